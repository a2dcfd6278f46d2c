// One answer: its text, its sources, why it is as it is, and what a person can do with it.

import { h, icon, preview } from "./dom.js";

const TRACKS = {
  prompt: "the model alone", rag: "the model with retrieved passages", tuned: "a tuned model",
  hybrid: "a tuned model with passages", template: "a prepared answer",
};
let quotes = 0;

// An answer while it is made. Pieces that were missed leave only the sign that it is being made.
export class Growing {
  #text = ""; #next = 0; #drawn = 0;

  constructor(drawn) {
    this.drawn = drawn;
    this.dots = h("div", { class: "dots" }, h("i"), h("i"), h("i"));
    this.body = h("div", { class: "text", dir: "auto" });
    this.element = h("article", { class: "answer growing", "aria-hidden": "true" }, this.dots, this.body);
  }

  add(n, piece) {
    if (n === 0) { this.#text = ""; this.#next = 0; }
    if (n === this.#next) { this.#text += piece; this.#next += 1; } else { this.#text = ""; this.#next = -1; }
    this.#drawn ||= requestAnimationFrame(() => {
      this.#drawn = 0;
      this.body.replaceChildren(preview(this.#text));
      this.dots.hidden = this.#text !== "";
      this.drawn();
    });
  }
}

export function answer(reply, talk, choose) {
  const text = h("div", { class: "text", dir: "auto" });
  text.innerHTML = reply.html; // sanitised by the server
  for (const pre of text.querySelectorAll("pre, table")) pre.tabIndex = 0;
  const article = h("article", { class: `answer ${reply.outcome}` }, text);
  cite(article, text, reply.citations, talk.base);
  const choices = [...new Set(reply.parts.flatMap((part) => part.choices))];
  if (choices.length) {
    const buttons = choices.map((words) => h("button", { type: "button", onclick: () => choose(words) }, words));
    article.append(h("div", { class: "choices" }, ...buttons));
  }
  article.append(tools(reply, talk));
  return article;
}

function cite(article, text, citations, base) {
  if (!citations.length) return;
  const card = h("div", { class: "quote", id: `quote-${++quotes}`, hidden: true });
  const openers = [];
  const opener = (one, place, ...words) => {
    const button = h("button", {
      type: "button", "aria-expanded": "false", "aria-controls": card.id, "aria-label": `Source ${one.n}: ${one.title}`,
      onclick() {
        const open = button.getAttribute("aria-expanded") === "false";
        for (const other of openers) other.setAttribute("aria-expanded", "false");
        button.setAttribute("aria-expanded", open);
        card.hidden = !open;
        card.replaceChildren(...quote(one, base));
        place().after(card);
        if (open) card.scrollIntoView({ block: "nearest" });
      },
    }, ...words);
    openers.push(button);
    return button;
  };
  for (const mark of text.querySelectorAll("sup.cite")) {
    const one = citations.find((other) => other.n === Number(mark.dataset.n));
    let block = mark;
    while (block.parentNode !== text) block = block.parentNode;
    if (one) mark.replaceChildren(opener(one, () => block, one.n));
  }
  const row = h("div", { class: "sources", role: "group", "aria-label": "Sources" });
  row.append(...citations.map((one) => opener(one, () => row, h("b", {}, one.n), h("span", {}, one.title))));
  article.append(row, card);
}

/** A quote stands word for word in its source; of its Markdown a reader sees only the words. */
function withoutMarks(words) {
  return words.replace(/(\*\*|__|`)(?=\S)(.+?\S?)\1/gs, "$2");
}

function quote(one, base) {
  const link = h("a", { href: new URL(one.url, `${base}/`), target: "_blank", rel: "noopener" }, "Open source", icon("out"));
  return [h("strong", { dir: "auto" }, one.title), one.quote && h("blockquote", { dir: "auto" }, withoutMarks(one.quote)), link].filter(Boolean);
}

function tools(reply, talk) {
  const row = h("div", { class: "tools" });
  const votes = ["up", "down"].map((value) => h("button", {
    type: "button", "aria-label": value === "up" ? "Good answer" : "Bad answer", "aria-pressed": talk.vote(reply.turn) === value,
    onclick() {
      talk.rate(reply.turn, value);
      for (const vote of votes) vote.setAttribute("aria-pressed", vote === this);
    },
  }, icon(value === "up" ? "good" : "bad")));
  row.append(...votes);
  if (navigator.clipboard) {
    const copy = h("button", { type: "button", "aria-label": "Copy answer", async onclick() {
      await navigator.clipboard.writeText(reply.text);
      copy.replaceChildren(icon("done"));
      setTimeout(() => copy.replaceChildren(icon("copy")), 1500);
    } }, icon("copy"));
    row.append(copy);
  }
  row.append(h("details", { class: "why" }, h("summary", {}, "Why this answer?"), reasons(reply)));
  return row;
}

function reasons(reply) {
  const { intent, confidence, track, why, model, usage, timings } = reply;
  const rows = {
    Track: track && (TRACKS[track] ? `${track}, ${TRACKS[track]}` : track),
    Intent: intent && `${intent} (${Math.round(confidence * 100)} % sure)`,
    Because: why,
    Model: model,
    Tokens: usage.completion_tokens > 0
      && `${usage.prompt_tokens} read, ${usage.completion_tokens} written${usage.estimated ? " (estimated)" : ""}`,
    Time: Object.entries(timings).map(([step, ms]) => `${step.replace(/_?ms$/, "")} ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`).join(" · "),
  };
  const shown = Object.entries(rows).filter(([, value]) => value);
  return h("dl", {}, ...shown.flatMap(([name, value]) => [h("dt", {}, name), h("dd", { dir: "auto" }, value)]));
}
