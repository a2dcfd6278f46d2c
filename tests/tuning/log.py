"""Turns for tests of tuning."""

from core import keys
from core.bus import Bus
from core.records import Part, Turn, encode


def turn(lane: str, number: int, asked: str, answered: str, **more: object) -> Turn:
    """The `number`th turn of a lane, a minute after the one before."""
    values: dict[str, object] = {
        "parts": (Part(text=answered),),
        "track": "prompt",
        "model": "m",
        "at": 1_790_000_000.0 + 60 * number,
    }
    id = f"{lane}-{number}"
    return Turn(id=id, channel="web", lane=lane, events=(id,), upto=number, asked=asked, **values | more)  # type: ignore[arg-type]


async def commit(bus: Bus, *turns: Turn) -> None:
    for one in turns:
        await bus.publish(keys.log(one.channel, one.lane), encode(one), id=one.id)
