"""A committed turn as messages: its Markdown, then its sources, split to a platform's limits."""

from collections.abc import Sequence

from bots.kit.contract import REPEAT, Limits
from bots.kit.markdown import Block, Plain, Span, parse
from bots.kit.split import measure, split, units
from core.records import Citation, Turn

QUOTE = 200  # characters of a quoted source


def answer_blocks(turn: Turn) -> tuple[Block, ...]:
    """The text of all parts."""
    return tuple(block for part in turn.parts for block in parse(part.text, turn.citations))


def sources_block(turn: Turn) -> tuple[Block, ...]:
    """The sources an answer stands on: number, linked title and quote, a line each; () where it cites nothing."""
    return tuple(_source(citation) for citation in sorted(turn.citations, key=lambda citation: citation.n))


def _source(citation: Citation) -> Block:
    quote = " ".join(citation.quote.split())
    short = quote if len(quote) <= QUOTE else quote[: QUOTE - 1].rstrip() + "…"
    spans = [Span(f"[{citation.n}] "), Span(citation.title or citation.source, href=citation.url)]
    if short:
        spans.append(Span(f" — “{short}”"))
    return Block("paragraph", tuple(spans), depth=1, marker="›")


def pages(blocks: Sequence[Block], limits: Limits, dialect: Plain) -> list[tuple[Block, ...]]:
    """The blocks as messages within the limits, both in the dialect and in the plain fallback, with room for `REPEAT`."""
    room = limits.text - units(REPEAT, limits.unit)
    return split(blocks, room, measure(limits, dialect.render, Plain().render))


def choices(turn: Turn) -> tuple[str, ...]:
    """What a person may tap instead of typing, of all parts."""
    return tuple(dict.fromkeys(choice for part in turn.parts for choice in part.choices))
