"""Long answers become several messages: cut between blocks, else paragraphs at sentences, code at lines; nothing is lost.

What a message may hold is measured by the caller, so a platform that counts only what is seen (Telegram) and one that counts
markup (Slack) share this file. A cut span keeps its look on both sides, a cut code block is a code block on both.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace

from bots.kit.contract import Limits
from bots.kit.markdown import Block, Span

_SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+|\n+|(?<=[。！？])")
_LINE = re.compile(r"\n")
_SPACE = re.compile(r"\s+")
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))

Size = Callable[[Sequence[Block]], int]


def units(text: str, unit: str) -> int:
    """How long a text is in a platform's unit (`Limits.unit`)."""
    if unit == "utf16":
        return len(text.encode("utf-16-le", "surrogatepass")) // 2
    return len(text.encode("utf-8", "surrogatepass")) if unit == "bytes" else len(text)


def measure(limits: Limits, *forms: Callable[[Sequence[Block]], str]) -> Size:
    """The size of blocks in the unit of `limits`: the longest of the forms they may be sent in."""
    return lambda blocks: max(units(form(blocks), limits.unit) for form in forms)


def split(blocks: Sequence[Block], limit: int, size: Size) -> list[tuple[Block, ...]]:
    """The blocks as messages of at most `limit`. A heading stays with what it heads."""
    messages: list[tuple[Block, ...]] = []
    page: list[Block] = []

    def fits(block: Block) -> bool:
        return size([*page, block]) <= limit

    waiting = list(reversed(blocks))
    while waiting:
        block = waiting.pop()
        if fits(block):
            page.append(block)
        elif page and (size([block]) <= limit or size(page) > limit // 2):
            carried = [page.pop()] if page[-1].kind == "heading" and len(page) > 1 else []
            messages.append(tuple(page))
            waiting += [block, *carried]
            page = []
        else:  # where not even one character fits it goes out all the same, rather than getting lost
            head, tail = _cut(block, fits)
            page.append(head)
            waiting.append(tail)
    return [*messages, tuple(page)] if page else messages


def _cut(block: Block, fits: Callable[[Block], bool]) -> tuple[Block, Block]:
    """The block in two, the first as long as fits."""
    text = block.text
    low, high = 1, max(len(text) - 1, 1)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(_head(block, middle)):
            low = middle
        else:
            high = middle - 1
    at = _boundary(block, text, low)
    return _head(block, at), _tail(block, at)


def _boundary(block: Block, text: str, most: int) -> int:
    """The best place to cut, at most `most`: a line of code, the end of a sentence, a space, between two characters."""
    kinds = (_LINE, _SPACE) if block.kind in ("code", "table") else (_SENTENCE, _SPACE)
    for pattern, least in zip(kinds, (most // 3, most // 4), strict=True):
        ends = [match.end() for match in pattern.finditer(text, 0, min(most + 1, len(text))) if match.end() <= most]
        ends = [end for end in ends if end > least and not _inside(block, end)]
        if ends:
            return ends[-1]
    at = most
    while at > 1 and _glued(text, at):
        at -= 1
    start = _inside(block, at)
    return start or at


def _inside(block: Block, at: int) -> int:
    """Where the link, citation or inline code starts that a cut at `at` would break; 0 where it breaks none."""
    start = 0
    for span in block.spans:
        end = start + len(span.text)
        if start < at < end and (span.href or span.marks & {"code", "cite"}):
            return start
        start = end
    return 0


def _glued(text: str, at: int) -> bool:
    """Whether the characters on both sides of `at` are drawn as one."""
    if at >= len(text):
        return False
    here = text[at]
    joined = here in "\u200d\ufe0f\u20e3" or text[at - 1] == "\u200d"
    return joined or unicodedata.combining(here) > 0 or 0x1F3FB <= ord(here) <= 0x1F3FF or _flag(text, at)


def _flag(text: str, at: int) -> bool:
    """Flags are pairs of letters of their own: between pairs one may cut."""
    before = text[:at]
    letters = len(before) - len(before.rstrip(_FLAG_LETTERS))
    return text[at] in _FLAG_LETTERS and letters % 2 == 1


def _head(block: Block, at: int) -> Block:
    return replace(block, spans=_slice(block.spans, 0, at))


def _tail(block: Block, at: int) -> Block:
    return replace(block, spans=_slice(block.spans, at, len(block.text)), marker="")


def _slice(spans: Sequence[Span], start: int, end: int) -> tuple[Span, ...]:
    kept, at = [], 0
    for span in spans:
        text = span.text[max(start - at, 0) : max(end - at, 0)]
        if text:
            kept.append(replace(span, text=text))
        at += len(span.text)
    return tuple(kept)
