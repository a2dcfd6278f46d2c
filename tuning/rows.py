"""Conversations as rows of OpenAI's chat format: `{"messages": [system, user, assistant, user, assistant, …]}`."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from core.records import Record, Turn
from core.scrub import scrub
from tuning.turns import Conversation

ROLES = ("system", "user", "assistant")
PER_MESSAGE, PER_ROW = 3, 3
"""Tokens that the format itself costs."""
_CITED = re.compile(r"[ \t]?\[(\d{1,3})\]")

Count = Callable[[str], int]


class Message(Record, frozen=True):
    role: str
    content: str


class Row(Record, frozen=True):
    """One line of the file (`messages`), and where it comes from."""

    messages: tuple[Message, ...]
    lane: str
    turns: tuple[str, ...]
    tracks: tuple[str, ...]
    tokens: int
    scrubbed: dict[str, int] = {}

    @property
    def words(self) -> str:
        """What was said, without the system message that all rows share."""
        return "\n".join(message.content for message in self.messages if message.role != "system")


def rows(conversation: Conversation, *, system: str, count: Count, most: int, keep_personal_data: bool) -> Iterator[Row]:
    """The conversation as one row, or as several where it has more than `most` tokens. A single exchange that is longer makes
    a row that `problems` names."""
    fixed = PER_ROW + PER_MESSAGE + count(system)
    page: list[tuple[Turn, tuple[Message, Message], Counter[str], int]] = []
    used = fixed
    for turn in conversation.turns:
        pair, scrubbed = _exchange(turn, keep_personal_data)
        cost = sum(PER_MESSAGE + count(message.content) for message in pair)
        if page and used + cost > most:
            yield _row(conversation, system, page, used)
            page, used = [], fixed
        page.append((turn, pair, scrubbed, cost))
        used += cost
    if page:
        yield _row(conversation, system, page, used)


def _row(
    conversation: Conversation,
    system: str,
    page: Sequence[tuple[Turn, tuple[Message, Message], Counter[str], int]],
    tokens: int,
) -> Row:
    said = [message for _, pair, _, _ in page for message in pair]
    return Row(
        messages=(Message(role="system", content=system), *said),
        lane=conversation.lane,
        turns=tuple(turn.id for turn, *_ in page),
        tracks=tuple(sorted({turn.track for turn, *_ in page if turn.track})),
        tokens=tokens,
        scrubbed=dict(sum((scrubbed for _, _, scrubbed, _ in page), Counter[str]())),
    )


def _exchange(turn: Turn, keep_personal_data: bool) -> tuple[tuple[Message, Message], Counter[str]]:
    asked, answered = turn.asked.strip(), _without_citations(turn).strip()
    if keep_personal_data:
        return (Message(role="user", content=asked), Message(role="assistant", content=answered)), Counter()
    asked, in_question = scrub(asked)
    answered, in_answer = scrub(answered)
    return (Message(role="user", content=asked), Message(role="assistant", content=answered)), in_question + in_answer


def _without_citations(turn: Turn) -> str:
    """Marks of passages that the row does not hold would teach the model to invent them."""
    known = {citation.n for citation in turn.citations}
    return _CITED.sub(lambda mark: "" if int(mark[1]) in known else mark[0], turn.text)


def problems(messages: Sequence[Message], tokens: int, most: int) -> list[str]:
    """Why a fine-tuning service would refuse a row; [] when it would not."""
    found = []
    roles = [message.role for message in messages]
    if unknown := [role for role in roles if role not in ROLES]:
        found.append(f"unknown role {unknown[0]!r}")
    if "system" in roles[1:]:
        found.append("a system message that is not the first")
    if "user" not in roles:
        found.append("no user message")
    if not roles or roles[-1] != "assistant":
        found.append("the last message is not the assistant's")
    if any(not message.content.strip() for message in messages):
        found.append("an empty message")
    if tokens > most:
        found.append("too long")
    return found
