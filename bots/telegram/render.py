"""A turn as Telegram messages: HTML of the few tags Telegram knows, choices and thumbs as inline keys, sources in a quote.

Telegram counts what is seen, in UTF-16 units, after parsing; so the size of a message is its text without tags, and its plain
fallback, where links stand written out, must fit as well.
"""

import html
import re
from collections.abc import Sequence

from bots.kit.answer import answer_blocks, choices, pages, sources_block
from bots.kit.contract import REPEAT, Limits, Native
from bots.kit.markdown import Block, Mark, Plain, Span, parse
from bots.kit.split import units
from bots.telegram.updates import THUMBS
from core.records import Turn

LIMITS = Limits(text=4096, unit="utf16", edit_every=1.0, per_second=25.0, lane_every=1.0)
SOURCES = Limits(text=LIMITS.text - len("Sources\n"), unit=LIMITS.unit)
DATA = 64  # bytes of callback data
_TAGS: dict[Mark, str] = {"bold": "b", "italic": "i", "strike": "s"}
_TAG = re.compile(r"<[^>]*>")


class Html(Plain):
    """Telegram's HTML."""

    def escape(self, text: str) -> str:
        return html.escape(text, quote=False)

    def mark(self, text: str, mark: Mark) -> str:
        return f"<{_TAGS[mark]}>{text}</{_TAGS[mark]}>"

    def code(self, text: str) -> str:
        return f"<code>{self.escape(text)}</code>"

    def link(self, span: Span) -> str:
        return f'<a href="{html.escape(span.href)}">{self.escape(span.text)}</a>'

    def cite(self, text: str, href: str) -> str:
        return f'<a href="{html.escape(href)}">{self.escape(text)}</a>'

    def pre(self, text: str, lang: str) -> str:
        inner = self.escape(text)
        return f'<pre><code class="language-{html.escape(lang)}">{inner}</code></pre>' if lang else f"<pre>{inner}</pre>"

    def heading(self, text: str, level: int) -> str:
        return f"<b>{text}</b>"

    def quote(self, text: str) -> str:
        return f"<blockquote>{text}</blockquote>"


class Seen(Html):
    """What is left of the HTML once Telegram has parsed it: the text it counts."""

    def render(self, blocks: Sequence[Block]) -> str:
        return html.unescape(_TAG.sub("", super().render(blocks)))


def messages(turn: Turn) -> list[Native]:
    """The turn as native messages: the answer's pages; sources below the last, or alone where they do not fit."""
    paged = [page for page in pages(answer_blocks(turn), LIMITS, Seen()) if Seen().render(page).strip()]
    bodies = [(Html().render(page), Plain().render(page)) for page in paged]
    if not bodies:
        return []
    for page in pages(sources_block(turn), SOURCES, Seen()):
        drawn = f"<blockquote expandable><b>Sources</b>\n{Html().render(page)}</blockquote>"
        plain = f"Sources\n{Plain().render(page)}"
        together = [f"{above}\n\n{below}" for above, below in zip(bodies[-1], (drawn, plain), strict=True)]
        if max(seen(together[0]), units(together[1], LIMITS.unit)) <= LIMITS.text - units(REPEAT, LIMITS.unit):
            bodies[-1] = (together[0], together[1])
        else:
            bodies.append((drawn, plain))
    extras: list[dict[str, object]] = [{} for _ in bodies]
    if turn.address.get("kind", "private") != "private":
        extras[0]["reply"] = turn.address.get("message", "")
    if keys := keyboard(turn):
        extras[-1]["keys"] = keys
    return [
        Native(id=f"{turn.id}:{place}", address=turn.address, plain=plain, body={"text": drawn, **extra})
        for place, ((drawn, plain), extra) in enumerate(zip(bodies, extras, strict=True))
    ]


def preview(text: str) -> str:
    """An unfinished answer as HTML, its end where it is too long; "" while there is nothing to see yet."""
    shown = pages(parse(f"{text} …"), LIMITS, Seen())
    drawn = Html().render(shown[-1]) if shown else ""
    return drawn if _words(drawn).strip() else ""


def seen(drawn: str) -> int:
    """The length Telegram counts: UTF-16 units of the parsed text."""
    return units(_words(drawn), LIMITS.unit)


def _words(drawn: str) -> str:
    return html.unescape(_TAG.sub("", drawn))


def keyboard(turn: Turn) -> list[list[dict[str, str]]]:
    """Choices, a row each, and thumbs below an answer somebody worked for."""
    rows = [[{"text": choice, "callback_data": _data(place, choice)}] for place, choice in enumerate(choices(turn))]
    if turn.outcome == "answered" and turn.track not in ("", "none", "template"):
        rows.append([{"text": sign, "callback_data": f"f:{thumb}:{turn.id}"} for thumb, sign in THUMBS.items()])
    return rows


def _data(place: int, choice: str) -> str:
    """The choice itself where it fits, so that it can be read from a message that is no longer accessible."""
    data = f"c:{choice}"
    return data if len(data.encode()) <= DATA else f"n:{place}"
