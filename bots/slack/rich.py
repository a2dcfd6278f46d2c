"""The kit's Markdown tree as Slack's `rich_text` block: the one form in which nothing of an answer can be misread.

`mrkdwn` loses bold between letters (and so in every language without spaces) and pings people whose id stands in the text;
the `markdown` block has no tables. Here every span carries its look, and text is only text.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

from bots.kit.markdown import Block, Span

Json = dict[str, Any]
RULE = "———"
_LINKABLE = re.compile(r"(https?://|mailto:|tel:)", re.IGNORECASE)


def rich_text(blocks: Sequence[Block]) -> list[Json]:
    """At most one Slack block; none for an empty text."""
    elements: list[Json] = []
    for kind, group in groupby(blocks, key=_kind):
        run = list(group)
        if kind == "pre":
            elements += [_element("rich_text_preformatted", [_text(block.text)]) for block in run if block.text]
        elif kind == "quote":
            elements += _nonempty("rich_text_quote", _joined(run, "\n"))
        elif kind == "list":
            elements += _lists(run)
        else:
            elements += _nonempty("rich_text_section", _joined(run, "\n\n"))
    _space_out(elements)
    return [{"type": "rich_text", "elements": elements}] if elements else []


def _kind(block: Block) -> str:
    if block.kind in ("code", "table"):
        return "pre"
    if block.quote:
        return "quote"
    return "list" if block.depth else "text"


def _lists(items: Iterable[Block]) -> Iterator[Json]:
    """One Slack list for each run of items of one depth and one kind; a further paragraph of an item is a line in it."""
    current: Json = {}
    for block in items:
        spans = list(_spans(block.spans))
        style = "ordered" if block.marker.rstrip(".").isdigit() else "bullet"
        indent = max(block.depth - 1, 0)
        if not block.marker and current:
            current["elements"][-1]["elements"] += [_text("\n"), *spans]
            continue
        if (current.get("style"), current.get("indent")) != (style, indent):
            if current:
                yield current
            current = {"type": "rich_text_list", "style": style, "indent": indent, "elements": []}
            if style == "ordered" and block.marker != "1.":
                current["offset"] = int(block.marker.rstrip(".")) - 1
        current["elements"].append(_element("rich_text_section", spans or [_text(" ")]))
    if current:
        yield current


def _joined(blocks: Iterable[Block], gap: str) -> list[Json]:
    elements: list[Json] = []
    for block in blocks:
        if elements:
            elements.append(_text(gap))
        if block.marker:
            elements.append(_text("  " * (block.depth - 1) + block.marker + " "))
        elements += _heading(block) if block.kind == "heading" else _spans(block.spans)
        if block.kind == "rule":
            elements.append(_text(RULE))
    return elements


def _heading(block: Block) -> Iterator[Json]:
    for element in _spans(block.spans):
        yield {**element, "style": {**element.get("style", {}), "bold": True}}


def _spans(spans: Iterable[Span]) -> Iterator[Json]:
    for span in spans:
        if not span.text:
            continue
        style = {mark: True for mark in sorted(span.marks - {"cite"})}
        element = {"type": "link", "url": span.href, "text": span.text} if _LINKABLE.match(span.href) else _text(span.text)
        yield {**element, "style": style} if style else element


def _space_out(elements: list[Json]) -> None:
    """Slack sets what follows a text right under it: a line break at its end makes the paragraph."""
    for before, after in pairwise(elements):
        if before["type"] == "rich_text_section":
            before["elements"].append(_text("\n"))
        elif after["type"] == "rich_text_section":
            after["elements"].insert(0, _text("\n"))


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _element(kind: str, elements: list[Json]) -> Json:
    return {"type": kind, "elements": elements}


def _nonempty(kind: str, elements: list[Json]) -> list[Json]:
    return [_element(kind, elements)] if elements else []
