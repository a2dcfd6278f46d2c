"""Messages judged by a router that never learned from them."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from msgspec.structs import replace

from core.assistant import Assistant
from core.dialog.routing import Router
from core.dialog.routing.labelled import Labelled
from core.dialog.sensing import Taught
from core.memory import Conversation
from core.records import Record

FOLDS = 5
OWN, FILE = "own examples", "messages"
WORDS = Taught(MappingProxyType({}), MappingProxyType({}))
"""Nothing has a vector."""


class Judged(Record, frozen=True):
    """A message, the intent people gave it ("" out of scope), and what the router said: the intent it takes for the likeliest
    also where it declined or asked back. `scope`, `likeness` and `meant` as in a Decision; `part` is where the message comes
    from, `line` its place there. `near`: it is out of scope and close to what is in it. `known`: the promise was made by it."""

    text: str
    intent: str
    said: str
    kind: str
    confidence: float
    part: str
    line: int = 0
    ms: float = 0.0
    scope: float = 1.0
    likeness: float = 0.0
    meant: bool = False
    near: bool = False
    known: bool = False

    @property
    def declined(self) -> bool:
        return self.kind == "out_of_scope"

    @property
    def right(self) -> bool:
        return self.said == self.intent

    @property
    def answered(self) -> bool:
        return self.kind == "intent"


@dataclass(slots=True)
class Judge:
    """`taught` None: by words alone. `calibration` are the messages that a stated risk is promised by, as in service."""

    assistant: Assistant
    taught: Taught | None = None
    calibration: Sequence[Labelled] = ()
    _known: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._known = frozenset(one.text for one in self.calibration)

    def router(self, assistant: Assistant | None = None) -> Router:
        taught = self.taught or WORDS
        return Router(assistant or self.assistant, self.taught.vectors if self.taught else None, self.calibration, taught.heard)

    def __call__(
        self, lines: dict[tuple[int, int], int], messages: Sequence[Labelled], tell: Callable[[int, int], None]
    ) -> tuple[list[Judged], Router]:
        """The assistant's examples by cross-validation, then the messages by the router that all examples make. `lines` are
        those of the examples in their file, by intent and place."""
        found: list[Judged] = []
        for fold in range(FOLDS):
            tell(fold, FOLDS + 1)
            router = self.router(_without(self.assistant, fold))
            found += [self._judged(router, one, OWN) for one in _held(self.assistant, lines, fold)]
        tell(FOLDS, FOLDS + 1)
        router = self.router()
        near = {one.text for one in messages if one.near}
        return found + nearest([self._judged(router, one, FILE) for one in messages], near), router

    def messages(self, messages: Sequence[Labelled]) -> list[Judged]:
        """By the router that all examples make, as it answers."""
        router = self.router()
        return [self._judged(router, one, FILE) for one in messages]

    def _judged(self, router: Router, one: Labelled, part: str) -> Judged:
        started = time.perf_counter()
        said = router.decide(one.text, Conversation(lane=""), (self.taught or WORDS).heard)
        return Judged(
            one.text,
            one.intent,
            said.intent,
            said.kind,
            said.confidence,
            part,
            one.line,
            ms=round((time.perf_counter() - started) * 1000, 3),
            scope=said.scope,
            likeness=said.likeness,
            meant=said.meant,
            known=one.text in self._known,
        )


def nearest(judged: Sequence[Judged], labelled: Collection[str] = ()) -> list[Judged]:
    """With `near` set: of what is out of scope the `labelled` texts, where there are any, else the half most like an example of
    the intent it would be taken for."""
    outside = sorted((one for one in judged if not one.intent), key=lambda one: -one.likeness)
    texts = {*labelled} or {one.text for one in outside[: (len(outside) + 1) // 2]}
    return [replace(one, near=not one.intent and one.text in texts) for one in judged]


def _held(assistant: Assistant, lines: dict[tuple[int, int], int], fold: int) -> Iterator[Labelled]:
    """Every fifth example, with its line; an intent's only one is never held out."""
    for number, intent in enumerate(assistant.intents):
        if len(intent.examples) > 1:
            for place in range(fold, len(intent.examples), FOLDS):
                yield Labelled(intent.examples[place], intent.name, lines.get((number, place), 0))


def _without(assistant: Assistant, fold: int) -> Assistant:
    """The assistant without every fifth example; an intent's only one stays."""
    intents = tuple(
        one.model_copy(update={"examples": tuple(e for n, e in enumerate(one.examples) if n % FOLDS != fold) or one.examples})
        for one in assistant.intents
    )
    return assistant.model_copy(update={"intents": intents})
