// Small means to build a page from data; text only ever becomes text.

export function h(tag, props = {}, ...kids) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) element[name] = value;
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...kids.filter((kid) => kid != null && kid !== false));
  return element;
}

const PATHS = {
  send: "M12 19V5M6 11l6-6 6 6",
  close: "M6 6l12 12M18 6L6 18",
  anew: "M12 5v14M5 12h14",
  down: "M12 5v14M6 13l6 6 6-6",
  good: "M7 11v9H4v-9h3zm0 0l4-7c1.5 0 2.5 1 2.2 2.6L12.6 10H18a2 2 0 0 1 2 2.3l-1 6a2 2 0 0 1-2 1.7H7",
  bad: "M7 13V4H4v9h3zm0 0l4 7c1.5 0 2.5-1 2.2-2.6l-.6-3.4H18a2 2 0 0 0 2-2.3l-1-6A2 2 0 0 0 17 4H7",
  copy: "M9 9h10v11H9zM5 15V4h10",
  done: "M5 13l4 4L19 7",
  out: "M8 16L16 8M9 8h7v7",
  go: "M5 12h13M13 7l5 5-5 5",
};

export function icon(name) {
  const holder = document.createElement("template");
  holder.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${PATHS[name]}"/></svg>`;
  return holder.content.firstChild;
}

export function logo() {
  const holder = document.createElement("template");
  holder.innerHTML = `<svg class="logo" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="9"/>`
    + `<path d="M11.5 26V6" opacity=".45"/><path d="M11.5 26v-4c0-7 9-6 9-13V6"/></svg>`;
  return holder.content.firstChild;
}

// Enough Markdown to read an answer by while it grows; the server's own rendering replaces it.
export function preview(text) {
  const page = document.createDocumentFragment();
  let list = null;
  for (const block of text.split(/\n{2,}|\n(?=\s*(?:[-*]|\d+\.)\s)/)) {
    const item = block.match(/^\s*(?:([-*])|\d+\.)\s+(.*)$/s);
    if (item) {
      const kind = item[1] ? "UL" : "OL";
      if (list?.tagName !== kind) page.append((list = h(kind)));
      list.append(h("li", {}, ...spans(item[2])));
    } else if (block.trim()) {
      list = null;
      const code = block.match(/^```\w*\n?(.*?)(?:```\s*)?$/s);
      page.append(code ? h("pre", {}, h("code", {}, code[1])) : h("p", {}, ...spans(block.replace(/^#+ /, ""))));
    }
  }
  return page;
}

function spans(text) {
  return text.split(/(\*\*[^*]+\*\*|\*[^*\s][^*]*\*|`[^`]+`|\[\d{1,3}\])/).map((piece) => {
    if (/^\*\*.+\*\*$/.test(piece)) return h("strong", {}, piece.slice(2, -2));
    if (/^\*[^*]+\*$/.test(piece)) return h("em", {}, piece.slice(1, -1));
    if (/^`.+`$/.test(piece)) return h("code", {}, piece.slice(1, -1));
    if (/^\[\d+\]$/.test(piece)) return h("span", { class: "cite" }, piece.slice(1, -1));
    return piece;
  });
}
