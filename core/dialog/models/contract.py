"""What a language model is to a track: messages in, pieces of text out."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal, Protocol

from core.records import Record, Usage


class Message(Record, frozen=True):
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds: to the first token, between tokens, and for the whole answer, retries included."""

    first: float = 15.0
    between: float = 10.0
    whole: float = 90.0


@dataclass(slots=True)
class Spent:
    """Filled in by a stream that ended: what the answer cost, the name the server gave the model, and whether its token
    limit ended it (`cut`)."""

    usage: Usage = Usage()
    model: str = ""
    cut: bool = False


class Model(Protocol):
    """One configured model. `name` is what replies and logs call it. Call `aclose` when done with it."""

    name: str

    def stream(self, messages: tuple[Message, ...], *, spent: Spent) -> AsyncGenerator[str, None]:
        """Pieces of the answer as they come. Close the generator (or cancel the task) to stop the model.

        Ends normally only when the answer is whole. Raises ModelError otherwise: refused, out of time, cut, empty; after
        its own retries, which happen only while nothing has been yielded.
        """

    async def aclose(self) -> None: ...
