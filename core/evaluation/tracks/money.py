"""What asking costs, and the ceiling that is never passed: before a question is asked, the most it can cost is set aside."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from core.assistant import Assistant
from core.errors import ConfigError
from core.evaluation.tracks.records import Case, Price, Track
from core.records import Usage

FRAME = 1500
"""Tokens of instructions around a question, at the most; and of a question and persona, some of each two letters."""


def paid(price: Price, usage: Usage, calls: int = 1) -> float:
    """What a turn adds to the bill."""
    return (price.prompt * usage.prompt_tokens + price.completion * usage.completion_tokens) / 1e6 + price.call * calls


def share_of_training(price: Price) -> float:
    return price.training / price.turns if price.training and price.turns else 0.0


def prices(assistant: Assistant) -> dict[str, Price]:
    return {name: Price(**price.model_dump()) for name, price in assistant.models.prices.items()}


def check(tracks: Iterable[Track], known: Mapping[str, Price]) -> None:
    """Raises ConfigError where a ceiling could not be kept because nobody says what a model costs."""
    for track in tracks:
        if track.model and track.model not in known and track.model != "extractive":
            raise ConfigError(
                f"--most needs the price of every model: say what {track.model!r} ({track.name}) costs in"
                f' [models.prices."{track.model}"], or that it is free: prompt = 0'
            )


@dataclass(slots=True)
class Purse:
    """The money of a run. `most` 0: as much as it takes. `held` is set aside for questions that are being asked."""

    most: float
    spent: float = 0.0
    held: float = 0.0

    def hold(self, bound: float) -> bool:
        """Whether that much is left to be set aside; it is, then."""
        if self.most and self.spent + self.held + bound > self.most + 1e-12:
            return False
        self.held += bound
        return True

    def told(self, bound: float, what: str) -> str:
        """Why a question was not asked."""
        left = max(0.0, self.most - self.spent)
        return (
            f"the next question ({what}) might have cost {bound:.4f}, and of {self.most:.4f} no more than {left:.4f} were left"
        )

    def pay(self, bound: float, cost: float) -> None:
        """The question is answered, and cost so much of what was set aside."""
        self.held -= bound
        self.spent += cost


@dataclass(slots=True)
class Bounds:
    """The most that a question can cost on a track: by what the assistant file allows to be sent and written, and no less than
    the dearest turn seen there so far."""

    assistant: Assistant
    prices: Mapping[str, Price]
    seen: dict[str, Usage] = field(default_factory=dict)

    def of(self, case: Case, track: Track) -> float:
        price = self.prices.get(track.model)
        return paid(price, self._usage(case, track), calls=2) * (len(case.before) + 1) if price else 0.0

    def learn(self, track: Track, usage: Usage) -> None:
        known = self.seen.get(track.name, Usage())
        self.seen[track.name] = Usage(
            prompt_tokens=max(known.prompt_tokens, usage.prompt_tokens),
            completion_tokens=max(known.completion_tokens, usage.completion_tokens),
        )

    def _usage(self, case: Case, track: Track) -> Usage:
        knowledge, memory, models = self.assistant.knowledge, self.assistant.memory, self.assistant.models
        letters = len(self.assistant.about.persona) + sum(map(len, (case.question, *case.before)))
        said = memory.tokens * 2 if case.before else 0
        sent = FRAME + letters // 2 + said + knowledge.passages * knowledge.passage_words * 3
        seen = self.seen.get(track.name, Usage())
        written = models.max_tokens * (2 if knowledge.query == "rewrite" and case.before else 1)
        return Usage(
            prompt_tokens=max(sent, seen.prompt_tokens * 5 // 4),
            completion_tokens=max(written, seen.completion_tokens),
        )
