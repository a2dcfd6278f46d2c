"""Markdown read once into one tree, from which every channel's form is made.

A chat has no nested boxes, so the tree is flat: a document is a row of blocks, each a row of spans, and a block knows its list
depth and quote depth. `Plain` is both the plain text and the base of every dialect: override its leaves. `to_html` draws
the same Markdown for a web page, sanitised.

CommonMark with tables and strikethrough. Raw HTML is text, an image is a link to it, and `[n]` is a citation mark where the
answer has a citation n. Nothing of the text is dropped: a link definition (`[1]: …`) stays visible text as well.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from core.records import Citation

Mark = Literal["bold", "italic", "strike", "code", "cite"]

_reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("reference")
_MARKS: dict[str, Mark] = {"strong": "bold", "em": "italic", "s": "strike"}
_CITE = re.compile(r"\[(\d{1,3})\]")
_BULLETS = "•◦▪"
_LINKABLE = re.compile(r"(https?|mailto|tel|tg):", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """Text of one look. `href` makes it a link; the mark `cite` makes it the number of a source."""

    text: str
    marks: frozenset[Mark] = frozenset()
    href: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph's worth. `marker` begins a list item (`•`, `2.`), `depth` counts the lists around it, `quote` the quotes."""

    kind: Literal["paragraph", "heading", "code", "table", "rule"]
    spans: tuple[Span, ...] = ()
    marker: str = ""
    depth: int = 0
    quote: int = 0
    level: int = 0
    lang: str = ""

    @property
    def text(self) -> str:
        return "".join(span.text for span in self.spans)


def parse(text: str, citations: Sequence[Citation] = ()) -> tuple[Block, ...]:
    """The blocks of a Markdown text."""
    return tuple(_Reading({citation.n: citation.url for citation in citations}).blocks(_reader.parse(text)))


class _Reading:
    """One pass over markdown-it's tokens."""

    def __init__(self, cited: dict[int, str]) -> None:
        self._cited = cited
        self._lists: list[int | None] = []  # the next number, None in a bullet list
        self._marker = ""
        self._quote = 0
        self._level = 0

    def blocks(self, tokens: Sequence[Token]) -> Iterator[Block]:
        at = 0
        while at < len(tokens):
            token = tokens[at]
            if token.type == "table_open":
                end = next(i for i in range(at, len(tokens)) if tokens[i].type == "table_close")
                yield self._block("table", (Span(_grid(self._rows(tokens[at:end]))),))
                at = end
            elif token.type == "inline":
                yield self._block("heading" if self._level else "paragraph", tuple(self._spans(token.children or [])))
            elif token.type in ("fence", "code_block"):
                lang = token.info.split()[0] if token.info.strip() else ""
                yield replace(self._block("code", (Span(token.content.removesuffix("\n")),)), lang=lang)
            elif token.type == "hr":
                yield self._block("rule", ())
            elif token.type == "list_item_close" and self._marker:
                yield self._block("paragraph", ())
            self._walk(token)
            at += 1

    def _walk(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self._lists.append(None)
            case "ordered_list_open":
                self._lists.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
            case "list_item_open":
                self._marker = self._next_marker()
            case "blockquote_open" | "blockquote_close":
                self._quote += token.nesting
            case "heading_open":
                self._level = int(token.tag[1])
            case "heading_close":
                self._level = 0

    def _next_marker(self) -> str:
        number = self._lists[-1]
        if number is None:
            return _BULLETS[min(len(self._lists), len(_BULLETS)) - 1]
        self._lists[-1] = number + 1
        return f"{number}."

    def _block(self, kind: Literal["paragraph", "heading", "code", "table", "rule"], spans: tuple[Span, ...]) -> Block:
        marker, self._marker = self._marker, ""
        return Block(kind, spans, marker=marker, depth=len(self._lists), quote=self._quote, level=self._level)

    def _spans(self, children: Sequence[Token]) -> Iterator[Span]:
        marks: frozenset[Mark] = frozenset()
        href = ""
        for child in children:
            name = child.type.removesuffix("_open").removesuffix("_close")
            if name in _MARKS:
                marks = marks | {_MARKS[name]} if child.nesting > 0 else marks - {_MARKS[name]}
            elif name == "link":
                href = str(child.attrs.get("href", "")) if child.nesting > 0 else ""
            elif child.type == "image":
                source = str(child.attrs.get("src", ""))
                yield Span(child.content or source, marks, href or source)
            elif child.type == "code_inline":
                yield Span(child.content, marks | {"code"}, href)
            elif child.type in ("softbreak", "hardbreak"):
                yield Span(" " if child.type == "softbreak" else "\n", marks, href)
            elif child.content:
                yield from self._cites(child.content, marks, href)

    def _cites(self, text: str, marks: frozenset[Mark], href: str) -> Iterator[Span]:
        for piece, number in cites(text, self._cited):
            yield Span(piece, marks, href) if number is None else Span(piece, frozenset({"cite"}), self._cited[number])

    def _rows(self, tokens: Sequence[Token]) -> Iterator[list[str]]:
        row: list[str] = []
        for token in tokens:
            if token.type == "tr_open":
                row = []
            elif token.type == "inline":
                row.append(Plain().spans(tuple(self._spans(token.children or []))))
            elif token.type == "tr_close":
                yield row


def cites(text: str, known: Iterable[int]) -> Iterator[tuple[str, int | None]]:
    """The text in pieces; a piece that is a mark `[n]` of a known citation comes with its n."""
    known, at = set(known), 0
    for mark in _CITE.finditer(text):
        if int(mark[1]) in known:
            if mark.start() > at:
                yield text[at : mark.start()], None
            yield mark[0], int(mark[1])
            at = mark.end()
    if at < len(text):
        yield text[at:], None


def _grid(rows: Iterable[list[str]]) -> str:
    """A table as aligned text, for a block of fixed width."""
    lines = list(rows)
    widths = [max(len(row[column]) for row in lines) for column in range(len(lines[0]))]
    drawn = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in lines]
    drawn.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(drawn)


class Plain:
    """Plain text, and the base of every dialect. A dialect overrides the leaves: `escape` to `rule`."""

    def render(self, blocks: Sequence[Block]) -> str:
        groups = [(quoted, list(group)) for quoted, group in groupby(blocks, key=lambda block: block.quote > 0)]
        return "\n\n".join(self.quote(self._join(group)) if quoted else self._join(group) for quoted, group in groups)

    def _join(self, blocks: Sequence[Block]) -> str:
        text = ""
        for before, block in zip((None, *blocks), blocks, strict=False):
            if before is not None:
                text += "\n" if before.depth and block.depth else "\n\n"
            text += self.block(block)
        return text

    def block(self, block: Block) -> str:
        if block.kind in ("code", "table"):
            body = self.pre(block.text, block.lang)
        elif block.kind == "rule":
            body = self.rule()
        else:
            body = self.spans(block.spans)
        if block.kind == "heading":
            body = self.heading(body, block.level)
        indent = "  " * (block.depth - bool(block.marker))
        return f"{indent}{self.escape(block.marker)} {body}" if block.marker else indent + body

    def spans(self, spans: Sequence[Span]) -> str:
        return "".join(self.span(span) for span in spans)

    def span(self, span: Span) -> str:
        if _LINKABLE.match(span.href):
            return self.cite(span.text, span.href) if "cite" in span.marks else self.link(span)
        return self.styled(span)

    def styled(self, span: Span) -> str:
        """A span's text in its marks, its link left aside. Code takes no other mark: no platform draws them together."""
        if "code" in span.marks:
            return self.code(span.text)
        text = self.escape(span.text)
        for mark in sorted(span.marks - {"cite"}):
            text = self.mark(text, mark)
        return text

    def escape(self, text: str) -> str:
        return text

    def mark(self, text: str, mark: Mark) -> str:
        """Escaped text, made bold, italic or struck through."""
        return text

    def code(self, text: str) -> str:
        return self.escape(text)

    def link(self, span: Span) -> str:
        text = self.styled(span)
        return text if span.href.removeprefix("mailto:") == span.text else f"{text} ({span.href})"

    def cite(self, text: str, href: str) -> str:
        """A citation mark whose source has an address."""
        return self.escape(text)

    def pre(self, text: str, lang: str) -> str:
        return self.escape(text)

    def heading(self, text: str, level: int) -> str:
        return text

    def quote(self, text: str) -> str:
        """Rendered blocks that somebody else said."""
        return "\n".join(f"> {line}" for line in text.split("\n"))

    def rule(self) -> str:
        return "———"


def to_html(text: str, citations: Sequence[Citation] = ()) -> str:
    """The Markdown as safe HTML. A citation mark becomes `<sup class="cite" data-n="1">`, around a link where it has one."""
    cited = {citation.n: citation.url for citation in citations}
    tokens = _reader.parse(text)
    for token in tokens:
        if token.children:
            token.children = [new for child in token.children for new in _for_web(child, cited)]
    return nh3.clean(
        _reader.renderer.render(tokens, _reader.options, {}),
        tags=_TAGS,
        attributes={"a": {"href", "title"}, "sup": {"class", "data-n"}, "code": {"class"}, "ol": {"start"}},
        link_rel="nofollow noopener",
        url_schemes={"http", "https", "mailto", "tel"},
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


_TAGS = {"a", "blockquote", "br", "code", "del", "em", "hr", "li", "ol", "p", "pre", "s", "strong", "sup", "ul"}
_TAGS |= {"h1", "h2", "h3", "h4", "h5", "h6", "table", "tbody", "td", "th", "thead", "tr"}


def _for_web(token: Token, cited: dict[int, str]) -> Iterator[Token]:
    if token.type == "image":
        source = str(token.attrs.get("src", ""))
        yield from (
            Token("link_open", "a", 1, attrs={"href": source}),
            Token("text", "", 0, content=token.content or source),
            Token("link_close", "a", -1),
        )
    elif token.type == "text":
        for piece, number in cites(token.content, cited):
            yield from [Token("text", "", 0, content=piece)] if number is None else _mark(piece, number, cited[number])
    else:
        yield token


def _mark(text: str, number: int, url: str) -> Iterator[Token]:
    yield Token("cite_open", "sup", 1, attrs={"class": "cite", "data-n": str(number)})
    if _LINKABLE.match(url):
        yield Token("link_open", "a", 1, attrs={"href": url})
    yield Token("text", "", 0, content=text)
    if _LINKABLE.match(url):
        yield Token("link_close", "a", -1)
    yield Token("cite_close", "sup", -1)
