"""A language model as judge: does an answer state a fact? Asked in both orders, told neither who answered nor how; whoever says
yes only when the fact comes first, or last, has not said yes."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from core.dialog.models.contract import Message, Model, Spent
from core.evaluation.judging.wording import plain
from core.records import Usage

LONGEST = 1200
"""Letters of an answer that are shown, and no more of a long one: length must not speak for it."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What was said with the fact first, and with the answer first; None: neither yes nor no."""

    fact_first: bool | None
    answer_first: bool | None
    usage: Usage = Usage()

    @property
    def stated(self) -> bool:
        return bool(self.fact_first and self.answer_first)

    @property
    def flipped(self) -> bool:
        return self.fact_first != self.answer_first


@dataclass(frozen=True, slots=True)
class ModelJudge:
    model: Model

    async def states(self, question: str, claim: Sequence[str], answer: str) -> Opinion:
        """Raises ModelError when the model fails."""
        first, one = await self.once(question, claim, answer, fact_first=True)
        second, other = await self.once(question, claim, answer, fact_first=False)
        return Opinion(first, second, one + other)

    async def once(self, question: str, claim: Sequence[str], answer: str, *, fact_first: bool) -> tuple[bool | None, Usage]:
        """One order: yes, no, or neither, and what was used. Raises ModelError when the model fails."""
        shown = [f"<fact>{' / '.join(claim)}</fact>", f"<answer>{_bare(answer)}</answer>"]
        text = "\n".join((f"<question>{question}</question>", *(shown if fact_first else reversed(shown))))
        told = files("core.evaluation.judging.prompts").joinpath("judge.txt").read_text("utf-8")
        spent = Spent()
        messages = (Message(role="system", content=told), Message(role="user", content=text))
        words = "".join([piece async for piece in self.model.stream(messages, spent=spent)])
        said = plain(words).strip(" .!\"'")
        return (said.startswith("yes") if said.startswith(("yes", "no")) else None), spent.usage


def _bare(answer: str) -> str:
    """Without citations and emphasis, which would tell a track."""
    return plain(answer)[:LONGEST]
