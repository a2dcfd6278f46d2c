"""The scribe: writes down what people say and see, and knows who still waits for an answer."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from bots.kit.contract import REPEAT
from tests.reliability.history import Gone, History, Said, Shown
from tests.reliability.oracle import MARK

Key = tuple[str, str]
"""Channel and conversation."""


@dataclass
class Talk:
    """A conversation as far as one waits in it. `seen`: the pieces of each token that stand in messages that are no preview.
    `credit`: honest answers that came before their question was known to be accepted."""

    seen: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    honest: set[str] = field(default_factory=set)
    credit: int = 0
    waiting: dict[str, float] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def accept(self, token: str, at: float) -> None:
        pieces = self.seen.get(token)
        if pieces and len(pieces) >= max(pieces.values()):
            return
        if self.credit:
            self.credit -= 1
        else:
            self.waiting[token] = at

    def take(self, marks: list[tuple[str, str, str]]) -> None:
        for token, place, of in marks:
            self.seen[token][int(place)] = int(of)
            if len(self.seen[token]) >= int(of):
                self.waiting.pop(token, None)

    def excuse(self, message: str, *, all_of_them: bool) -> None:
        """An honest answer, for the oldest question or for the burst."""
        if message in self.honest:
            return
        self.honest.add(message)
        self.credit += not self.waiting
        for token in list(self.waiting)[: None if all_of_them else 1]:
            del self.waiting[token]


class Scribe:
    """`joins`: the channels that answer a burst together."""

    def __init__(self, history: History, joins: Collection[str] = ()) -> None:
        self.history, self.joins = history, joins
        self.talks: dict[Key, Talk] = defaultdict(Talk)
        self.accepted = 0

    @property
    def answered(self) -> int:
        return self.accepted - sum(1 for _ in self.waiting())

    def said(self, key: Key, token: str, *, accepted: bool, since: float) -> None:
        """Once it is known whether a question was accepted."""
        now = time.time()
        self.history.add(Said(*key, token, accepted, now, since))
        self.accepted += accepted
        if accepted:
            self.talks[key].accept(token, now)

    def shown(self, key: Key, message: str, text: str, *, growing: bool = False) -> None:
        self.history.add(Shown(*key, message, text, time.time(), growing))
        if growing:
            return
        talk, marks = self.talks[key], MARK.findall(text)
        talk.take(marks)
        if not marks and not text.startswith(REPEAT.strip()):
            talk.excuse(message, all_of_them=key[0] in self.joins)
        talk.changed.set()

    def gone(self, key: Key, message: str) -> None:
        self.history.add(Gone(*key, message, time.time()))

    def waiting(self) -> Iterator[tuple[float, Key, str]]:
        """Every question without an answer, with the time it was accepted."""
        for key, talk in self.talks.items():
            for token, at in talk.waiting.items():
                yield at, key, token

    async def until_answered(self, key: Key, patience: float) -> bool:
        """Whether all that was accepted of a conversation was answered in time."""
        talk = self.talks[key]
        try:
            async with asyncio.timeout(patience):
                while talk.waiting:
                    talk.changed.clear()
                    await talk.changed.wait()
        except TimeoutError:
            return False
        return True
