"""A model's answer, shown while it is written and timed."""

import time
from contextlib import aclosing
from dataclasses import dataclass

from core.dialog.models.contract import Message, Model, Spent
from core.dialog.tracks.contract import Say
from core.errors import CannotServe, ModelError
from core.records import Usage


@dataclass(frozen=True, slots=True)
class Written:
    """`timings` in milliseconds; `note` says what the person reading the log should know about the answer, "" mostly."""

    text: str
    model: str
    usage: Usage
    timings: tuple[tuple[str, float], ...]
    note: str = ""


async def write(model: Model, messages: tuple[Message, ...], say: Say) -> Written:
    """The whole answer. Raises CannotServe with the model's reason where it did not come to an end."""
    started = time.perf_counter()
    first = 0.0
    spent = Spent()
    pieces: list[str] = []
    try:
        async with aclosing(model.stream(messages, spent=spent)) as stream:
            async for piece in stream:
                first = first or _ms(started)
                pieces.append(piece)
                await say(piece)
    except ModelError as error:
        raise CannotServe(str(error)) from error
    return Written(
        text="".join(pieces).strip(),
        model=spent.model or model.name,
        usage=spent.usage,
        timings=(("first_token", first), ("model", _ms(started))),
        note="cut at max_tokens" if spent.cut else "",
    )


def _ms(since: float) -> float:
    return round((time.perf_counter() - since) * 1000, 2)
