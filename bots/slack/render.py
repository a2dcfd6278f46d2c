"""A committed turn as Slack messages: rich text, the sources in context blocks, choices and thumbs as buttons."""

import json
import re
from collections.abc import Iterable, Sequence

from bots.kit.answer import QUOTE, answer_blocks, choices, sources_block
from bots.kit.contract import Limits, Native
from bots.kit.markdown import Block, Plain, parse
from bots.kit.split import split
from bots.slack.parse import CHOICE, FEEDBACK
from bots.slack.rich import Json, rich_text
from core.records import Citation, Turn

LIMITS = Limits(text=9000, edit_every=1.5, per_second=10, lane_every=1.0)
"""`text` bounds the JSON of a message's text, of which Slack takes some 13,000 characters for all blocks; the rest is for
sources and buttons. Slack's own rates: about one post a second in a channel, 50 edits a minute."""
WHOLE = 12_500
BLOCKS, LABEL, VALUE = 50, 75, 2000
BUTTONS, CONTEXT = 5, 3
"""How many a block holds: fewer than Slack takes, so that the longest still fit `WHOLE`."""
_LINKABLE = re.compile(r"https?://", re.IGNORECASE)


def natives(turn: Turn) -> list[Native]:
    """In order, none longer than Slack takes; [] for a turn that says nothing."""
    messages = [(rich_text(page), Plain().render(page)) for page in _pages(answer_blocks(turn))]
    if not messages:
        return []
    for block, plain in _tail(turn):
        blocks, said = messages[-1]
        if len(blocks) < BLOCKS and _length([*blocks, block]) <= WHOLE:
            messages[-1] = ([*blocks, block], f"{said}\n\n{plain}".strip())
        else:
            messages.append(([block], plain or "…"))
    return [
        Native(id=f"{turn.id}:{number}", address=turn.address, plain=plain, body={"blocks": blocks})
        for number, (blocks, plain) in enumerate(messages)
    ]


def preview(text: str) -> tuple[list[Json], str]:
    """An answer that is still being made: (blocks, plain), marked as unfinished; its first message where it needs several."""
    pages = _pages(parse(text))
    page = pages[0] if pages else ()
    more = {"type": "context", "elements": [{"type": "mrkdwn", "text": "…"}]}
    return [*rich_text(page), more], f"{Plain().render(page)} …"


def _pages(blocks: Sequence[Block]) -> list[tuple[Block, ...]]:
    return split(blocks, LIMITS.text, lambda page: _length(rich_text(page)))


def _length(blocks: Sequence[Json]) -> int:
    return len(json.dumps(blocks))


def _tail(turn: Turn) -> Iterable[tuple[Json, str]]:
    """What stands under the text: Slack blocks, each with its plain form."""
    sources = sorted(turn.citations, key=lambda citation: citation.n)
    lines = sources_block(turn)
    for start in range(0, len(sources), CONTEXT):
        elements = [{"type": "mrkdwn", "text": _source(source)} for source in sources[start : start + CONTEXT]]
        yield {"type": "context", "elements": elements}, Plain().render(lines[start : start + CONTEXT])
    offered = choices(turn)
    for start in range(0, len(offered), BUTTONS):
        some = offered[start : start + BUTTONS]
        buttons = [_button(start + number, choice) for number, choice in enumerate(some)]
        yield {"type": "actions", "elements": buttons}, "\n".join(f"• {choice}" for choice in some)
    if turn.outcome == "answered":
        yield _thumbs(turn.id), ""


def _source(citation: Citation) -> str:
    """A link where the address is one for everybody; a page of our own is named and quoted."""
    title = escaped(citation.title or citation.source)
    named = f"<{escaped(citation.url)}|{title}>" if _LINKABLE.match(citation.url) else f"*{title}*"
    quote = " ".join(citation.quote.split())
    short = quote if len(quote) <= QUOTE else quote[: QUOTE - 1].rstrip() + "…"
    return f"[{citation.n}] {named}" + (f" — “{escaped(short)}”" if short else "")


def _button(number: int, choice: str) -> Json:
    label = choice if len(choice) <= LABEL else choice[: LABEL - 1] + "…"
    return {
        "type": "button",
        "action_id": f"{CHOICE}_{number}",
        "text": {"type": "plain_text", "text": label},
        "value": choice[:VALUE],
    }


def _thumbs(turn: str) -> Json:
    def thumb(label: str, vote: str) -> Json:
        return {"text": {"type": "plain_text", "text": label}, "value": f"{vote}:{turn}"}

    element = {
        "type": "feedback_buttons",
        "action_id": FEEDBACK,
        "positive_button": thumb("Good answer", "up"),
        "negative_button": thumb("Bad answer", "down"),
    }
    return {"type": "context_actions", "elements": [element]}


def escaped(text: str) -> str:
    """Text that Slack shows as it stands: no links, no pings."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
