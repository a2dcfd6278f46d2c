// The conversation with the server: session, sending, server-sent events. Knows nothing of the page.
//
// A message keeps its id until the server has stored it, so sending it again doubles nothing; replies are read from the log by
// their id, so a lost connection loses nothing. What waits is kept in localStorage and survives a reload.

const ANSWER_WITHIN = 10_000, SILENCE = 40_000, HIDDEN_FOR = 60_000, TRIES = 4;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export class Talk extends EventTarget {
  #kept; #store; #last = ""; #posting = null; #stream = null; #linked = false; #running = false; #hurry = false; #wake = () => {};
  #answered = new Set();

  constructor(base) {
    super();
    this.base = base.replace(/\/$/, "");
    this.#store = storage(`turnout ${this.base}`);
    this.#kept = { token: "", outbox: [], votes: {}, ...this.#store.read() };
  }

  get outbox() { return this.#kept.outbox; }
  vote(turn) { return this.#kept.votes[turn]; }

  start() {
    if (this.#running) return;
    this.#running = true;
    for (const message of this.outbox) if (message.state !== "sent") message.state = "sending";
    this.#listen();
    this.#drain();
    addEventListener("online", () => this.#retry());
    let hidden;
    document.addEventListener("visibilitychange", () => {
      clearTimeout(hidden);
      if (!document.hidden) this.#retry();
      else hidden = setTimeout(() => this.outbox.length || this.#stream?.abort(), HIDDEN_FOR);
    });
  }

  send(text) {
    const message = { id: unique(), text, state: "sending" };
    this.outbox.push(message);
    this.#keep();
    this.#drain();
    return message;
  }

  again(message) {
    message.state = "sending";
    this.#tell("message", message);
    this.#drain();
  }

  drop(message) {
    this.#kept.outbox = this.outbox.filter((other) => other !== message);
    this.#keep();
  }

  rate(turn, value) {
    this.#kept.votes = Object.fromEntries([...Object.entries(this.#kept.votes), [turn, value]].slice(-50));
    this.#keep();
    return this.#post("/v1/feedback", { id: unique(), turn, value }).catch(() => {});
  }

  restart() {
    this.#kept = { token: "", outbox: [], votes: {} };
    this.#keep();
    this.#fresh();
  }

  async about() {
    const response = await fetch(`${this.base}/v1/assistant`);
    if (!response.ok) throw new Error(response.statusText);
    return response.json();
  }

  #fresh() {
    this.#last = "";
    this.#answered.clear();
    this.#tell("reset");
    this.#hurry = true;
    this.#stream?.abort();
    this.#wake();
  }

  #tell(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); }
  #keep() { this.#store.write(this.#kept); }

  async #token() {
    if (this.#kept.token) return this.#kept.token;
    const response = await fetch(`${this.base}/v1/sessions`, { method: "POST", signal: AbortSignal.timeout(ANSWER_WITHIN) });
    if (!response.ok) throw new Error(response.statusText);
    const { token } = await response.json();
    this.#kept.token ||= token;
    this.#keep();
    return this.#kept.token;
  }

  #refused(token) {
    if (this.#kept.token !== token) return;
    this.#kept.token = "";
    for (const message of this.outbox) { message.state = "sending"; delete message.turn; }
    this.#keep();
    this.#fresh();
  }

  // --- sending: one at a time, in order

  async #post(path, body) {
    const token = await this.#token();
    const response = await fetch(this.base + path, {
      method: "POST", body: JSON.stringify(body), signal: AbortSignal.timeout(ANSWER_WITHIN),
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    });
    if (response.status === 401) this.#refused(token);
    return response;
  }

  async #drain() {
    if (this.#posting) return;
    for (let tries = 0, message; (message = this.outbox.find((one) => one.state === "sending")); ) {
      this.#posting = this.#try(message);
      const wait = await this.#posting;
      tries = wait ? tries + 1 : 0;
      if (wait && tries >= TRIES) {
        for (const one of this.outbox.filter((one) => one.state === "sending")) this.#set(one, "failed");
      } else if (wait) await sleep(wait * tries * (0.8 + Math.random() * 0.4));
    }
    this.#posting = null;
  }

  async #try(message) {
    let response, body;
    try {
      response = await this.#post("/v1/messages", { id: message.id, text: message.text });
      body = await response.json();
    } catch { return 700; }
    if (response.status === 202) {
      message.turn = body.turn;
      if (this.#answered.has(body.turn)) this.drop(message);
      this.#set(message, "sent");
    } else if (response.status === 401 || response.status === 429 || response.status >= 500) {
      return 1000 * (Number(response.headers.get("retry-after")) || 0.7);
    } else {
      message.why = body.message;
      this.#set(message, "refused");
    }
    return 0;
  }

  #set(message, state) {
    message.state = state;
    this.#keep();
    this.#tell("message", message);
  }

  #retry() {
    for (const message of this.outbox.filter((one) => one.state === "failed")) this.#set(message, "sending");
    this.#drain();
    this.#wake();
  }

  // --- listening

  async #listen() {
    for (let tries = 0; ; ) {
      const opened = await this.#read();
      tries = opened ? 0 : tries + 1;
      if (this.#hurry) { this.#hurry = false; continue; }
      this.#link(false);
      const woken = new Promise((done) => { this.#wake = done; });
      if (document.hidden && opened && !this.outbox.length) await woken;
      else await Promise.race([woken, sleep(Math.min(10_000, 400 * 2 ** tries) * (0.7 + Math.random() * 0.6))]);
    }
  }

  async #read() {
    const stream = (this.#stream = new AbortController());
    let opened = false, silence;
    const alive = () => { clearTimeout(silence); silence = setTimeout(() => stream.abort(), SILENCE); };
    alive();
    try {
      const token = await this.#token();
      const headers = { authorization: `Bearer ${token}`, ...(this.#last && { "last-event-id": this.#last }) };
      const response = await fetch(`${this.base}/v1/events`, { headers, signal: stream.signal, cache: "no-store" });
      if (response.status === 401) this.#refused(token);
      if (!response.ok) return false;
      opened = true;
      this.#link(true);
      for await (const event of parse(response.body, alive)) {
        if (stream.signal.aborted) break;
        await this.#on(event);
      }
    } catch { /* cut: the loop comes back */ } finally { clearTimeout(silence); }
    return opened;
  }

  async #on({ id, event, data }) {
    const detail = JSON.parse(data);
    const known = !detail.turn || this.outbox.some((message) => message.turn === detail.turn);
    if (this.#posting && !known) await this.#posting; // it may be the turn of the message that is being stored
    if (event === "reply") {
      for (const turn of detail.events) this.#answered.add(turn);
      this.#kept.outbox = this.outbox.filter((message) => !detail.events.includes(message.turn));
      this.#keep();
    }
    if (id) this.#last = id;
    this.#tell(event, detail);
  }

  #link(up) {
    if (up && !this.#linked) this.#retry();
    this.#linked = up;
    this.#tell("link", up);
  }
}

// Server-sent events of a byte stream, whatever way it is cut into pieces.
async function* parse(body, alive) {
  const reader = body.getReader(), decoder = new TextDecoder();
  for (let rest = ""; ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    alive();
    const blocks = (rest + decoder.decode(value, { stream: true })).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = {};
      for (const line of block.split("\n")) {
        const at = line.indexOf(": ");
        if (at > 0) event[line.slice(0, at)] = line.slice(at + 2);
      }
      if (event.data) yield event;
    }
  }
}

function unique() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function storage(name) {
  return {
    read() { try { return JSON.parse(localStorage.getItem(name)) || {}; } catch { return {}; } },
    write(value) { try { localStorage.setItem(name, JSON.stringify(value)); } catch { /* kept in memory only */ } },
  };
}
