// <turnout-chat>: a chat with a Turnout assistant, on any page, by one script tag.
//
//   <script type="module" src="https://bot.example/widget.js"></script>
//   <turnout-chat></turnout-chat>
//
// Attributes: base (address of the service; default: where this file came from), title, accent (a CSS colour), open,
// page (fill the parent instead of floating).

import { answer, Growing } from "./widget/answer.js";
import { h, icon, logo } from "./widget/dom.js";
import { sheet } from "./widget/style.js";
import { Talk } from "./widget/talk.js";

const HERE = new URL(".", import.meta.url).href;
const SLOW = 20_000;
const NOTES = { sending: "Sending…", failed: "Not sent.", refused: "" };

class TurnoutChat extends HTMLElement {
  static observedAttributes = ["open", "accent"];
  #talk; #bubbles = new Map(); #answers = new Map(); #growing = new Map(); #ready = false; #parts; #slow;

  connectedCallback() {
    if (this.#parts) return;
    const heading = this.getAttribute("title") || "";
    this.removeAttribute("title"); // it would show as a tooltip over everything
    this.#talk = new Talk(this.getAttribute("base") || HERE);
    this.#build(heading);
    this.#wire();
    this.attributeChangedCallback();
    this.#introduce(heading);
  }

  attributeChangedCallback() {
    if (!this.#parts) return;
    const { panel, launcher } = this.#parts, open = this.page || this.hasAttribute("open");
    if (this.getAttribute("accent")) this.style.setProperty("--accent", this.getAttribute("accent"));
    panel.hidden = !open;
    launcher.hidden = open;
    if (open) this.#talk.start();
  }

  get page() { return this.hasAttribute("page"); }
  show() { this.setAttribute("open", ""); this.#parts.input.focus(); }
  hide() { this.removeAttribute("open"); this.#parts.launcher.focus(); }

  #build(heading) {
    const name = h("strong", {}, heading || "Chat"), dot = h("i", { class: "link", title: "connecting" });
    const log = h("div", { class: "log", role: "log", "aria-live": "off", "aria-label": "Conversation" });
    const empty = h("div", { class: "empty" });
    const scroll = h("div", { class: "scroll" }, h("div", { class: "column" }, empty, log));
    const status = h("p", { class: "status", role: "status" });
    const latest = h("button", { type: "button", class: "latest", hidden: true, "aria-label": "Go to the latest message" }, icon("down"));
    const input = h("textarea", { rows: 1, dir: "auto", "aria-label": "Your message", placeholder: "Write a message…", enterkeyhint: "send" });
    const send = h("button", { class: "send", "aria-label": "Send", disabled: true }, icon("send"));
    const form = h("form", {}, input, send);
    const anew = h("button", { type: "button", "aria-label": "New conversation", title: "New conversation" }, icon("anew"));
    const close = h("button", { type: "button", "aria-label": "Close chat", hidden: this.page }, icon("close"));
    const panel = h("section", { class: "panel", "aria-label": heading || "Chat", role: this.page ? "region" : "dialog" },
      h("header", {}, logo(), h("div", { class: "who" }, name, dot), anew, close),
      scroll, h("div", { class: "foot" }, latest, status, form, h("p", { class: "hint" }, "Enter sends, Shift + Enter begins a new line")));
    const launcher = h("button", { type: "button", class: "launcher", "aria-label": `Open chat${heading && `: ${heading}`}` }, logo());
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    root.append(panel, launcher);
    this.#parts = { name, dot, log, empty, scroll, status, latest, input, send, form, anew, close, panel, launcher };
  }

  #wire() {
    const { input, send, form, latest, scroll, anew, close, launcher, panel } = this.#parts, talk = this.#talk;
    form.onsubmit = (event) => { event.preventDefault(); this.#say(input.value); };
    input.oninput = () => {
      send.disabled = !input.value.trim();
      input.style.height = "auto";
      input.style.height = `${input.scrollHeight}px`;
    };
    input.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#say(input.value);
    };
    panel.onkeydown = (event) => { if (event.key === "Escape" && !this.page) this.hide(); };
    launcher.onclick = () => this.show();
    close.onclick = () => this.hide();
    anew.onclick = () => { talk.restart(); input.focus(); };
    latest.onclick = () => this.#follow(true);
    scroll.onscroll = () => { if (this.#near()) latest.hidden = true; };
    talk.addEventListener("message", ({ detail }) => this.#mark(detail));
    talk.addEventListener("reply", ({ detail }) => this.#commit(detail));
    talk.addEventListener("delta", ({ detail }) => this.#live(detail.turn)?.add(detail.n, detail.text));
    talk.addEventListener("state", ({ detail }) => (detail.state === "ready" ? this.#restore() : this.#live(detail.turn)));
    talk.addEventListener("link", ({ detail }) => this.#link(detail));
    talk.addEventListener("reset", () => this.#clear());
    new ResizeObserver(() => this.#follow()).observe(scroll);
  }

  async #introduce(heading) {
    const { name, empty, panel, input } = this.#parts;
    try {
      const about = await this.#talk.about();
      name.textContent = heading || about.name;
      panel.setAttribute("aria-label", name.textContent);
      if (this.page && !heading) document.title = about.name;
      const ask = (words) => h("button", { type: "button", onclick: () => this.#say(words) }, h("span", { dir: "auto" }, words), icon("go"));
      empty.replaceChildren(logo(), h("p", { dir: "auto" }, about.greeting), h("div", { class: "asks" }, ...about.suggestions.map(ask)));
    } catch { setTimeout(() => this.#introduce(heading), 3000); }
    if (this.page && matchMedia("(pointer: fine)").matches) input.focus();
  }

  #say(words) {
    const { input } = this.#parts, text = words.trim().toWellFormed?.() ?? words.trim();
    if (!text) return;
    if (input.value.trim() === words.trim()) { input.value = ""; input.oninput(); }
    this.#mark(this.#talk.send(text));
    this.#follow(true);
    if (matchMedia("(pointer: fine)").matches) input.focus();
  }

  // --- the log: questions in the order they were asked, each followed by its answer

  #bubble(text) {
    const element = h("div", { class: "asked" }, h("p", { dir: "auto" }, text), h("small", { "aria-live": "polite" }));
    const waiting = this.#talk.outbox.map((message) => this.#bubbles.get(message.id)).find(Boolean);
    return { element, waiting };
  }

  #mark(message) {
    if (message.state === "sent" && !this.#talk.outbox.includes(message)) { // answered before we knew that it was stored
      this.#bubbles.get(message.id)?.remove();
      return;
    }
    let element = this.#bubbles.get(message.id);
    if (!element) {
      ({ element } = this.#bubble(message.text));
      this.#bubbles.set(message.id, element);
      this.#parts.log.append(element);
      this.#parts.empty.hidden = true;
    }
    if (message.turn) this.#bubbles.set(message.turn, element);
    element.dataset.state = message.state;
    const note = element.querySelector("small"), failed = message.state === "failed";
    note.replaceChildren(message.why || NOTES[message.state] || "");
    if (failed) note.append(h("button", { type: "button", onclick: () => this.#talk.again(message) }, "Try again"));
    if (message.state === "refused") note.append(h("button", { type: "button", onclick: () => this.#edit(message, element) }, "Edit"));
    if (message.state === "sent") this.#live(message.turn);
  }

  #edit(message, element) {
    const { input } = this.#parts;
    this.#talk.drop(message);
    element.remove();
    input.value = message.text;
    input.oninput();
    input.focus();
  }

  #live(turn) {
    if (this.#answers.has(turn)) return null;
    let growing = this.#growing.get(turn);
    if (!growing) {
      growing = new Growing(() => this.#follow());
      this.#growing.set(turn, growing);
      this.#place(growing.element, this.#bubbles.get(turn));
      this.#follow();
      clearTimeout(this.#slow);
      this.#slow = setTimeout(() => { if (this.#growing.size) this.#parts.status.textContent = "Still working on it…"; }, SLOW);
    }
    return growing;
  }

  #commit(reply) {
    for (const turn of [reply.turn, ...reply.events]) {
      this.#growing.get(turn)?.element.remove();
      this.#growing.delete(turn);
    }
    if (!this.#growing.size) this.#parts.status.textContent = "";
    if (this.#answers.has(reply.turn) || reply.outcome === "noted") return;
    let asked = reply.events.map((turn) => this.#bubbles.get(turn)).filter(Boolean).pop();
    if (!asked && reply.asked) {
      const { element, waiting } = this.#bubble(reply.asked);
      if (waiting) waiting.before(element); else this.#parts.log.append(element);
      for (const turn of reply.events) this.#bubbles.set(turn, element);
      asked = element;
    }
    const element = answer(reply, this.#talk, (words) => this.#say(words));
    this.#answers.set(reply.turn, element);
    this.#parts.empty.hidden = true;
    this.#place(element, asked);
    this.#follow();
  }

  #place(element, after) {
    if (after?.isConnected) after.after(element); else this.#parts.log.append(element);
  }

  #restore() {
    this.#ready = true;
    this.#parts.log.setAttribute("aria-live", "polite"); // what was said before is not read out again
    for (const message of this.#talk.outbox) this.#mark(message);
  }

  #clear() {
    this.#bubbles.clear(); this.#answers.clear(); this.#growing.clear();
    this.#parts.log.replaceChildren();
    this.#parts.status.textContent = "";
    this.#parts.empty.hidden = false;
    for (const message of this.#talk.outbox) this.#mark(message);
  }

  #link(up) {
    const { dot, status } = this.#parts;
    dot.dataset.up = up;
    dot.title = up ? "connected" : "connecting";
    status.textContent = up ? "" : "Connecting…";
    if (!up && !this.#ready) this.#restore();
  }

  #near() {
    const { scroll } = this.#parts;
    return scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 120;
  }

  #at = 0;
  #follow(now = false) { // stay at the end while the reader is there; else offer to go
    const { scroll, latest } = this.#parts, near = this.#at - scroll.scrollTop - scroll.clientHeight < 120;
    if (now || near) scroll.scrollTop = scroll.scrollHeight;
    latest.hidden = now || near;
    this.#at = scroll.scrollHeight;
  }
}

customElements.define("turnout-chat", TurnoutChat);
