"""Versions of the routes in the key-value bucket of NATS: a key each, made once and never written again.

Whoever makes a version says which one it comes after. Of several at once one wins and the others get a Conflict, so that no
lock is needed where many may act.
"""

import secrets

from msgspec.structs import replace

from core import keys
from core.bus import Bus, so_far
from core.errors import Conflict, TurnoutError
from core.policy.routes import Routes
from core.records import decode, encode

BUCKET = "KV_turnout"
FILE = Routes(number=0)
"""What is in force before there is any version: the assistant file alone."""


class UnknownVersion(TurnoutError):
    """There is no such version of the routes."""


async def newest(bus: Bus) -> Routes:
    """The version in force; `FILE` where there is none yet."""
    stored = await bus.last(BUCKET, keys.routes())
    return decode(Routes, stored.data) if stored else FILE


async def read(bus: Bus, number: int) -> Routes:
    """A version by its number, 0 the assistant file's. Raises UnknownVersion."""
    if number == 0:
        return FILE
    stored = await bus.last(BUCKET, keys.routes(number))
    if stored is None:
        raise UnknownVersion(f"there is no version {number} of the routes: `turnout routes show --versions` lists them")
    return decode(Routes, stored.data)


async def every(bus: Bus) -> list[Routes]:
    """All versions, oldest first."""
    return [decode(Routes, stored.data) async for stored in so_far(bus, BUCKET, keys.routes())]


async def add(bus: Bus, routes: Routes, *, after: int) -> Routes:
    """Put the version after number `after` in force; returns it with its number. Raises Conflict when that is no longer the
    newest one."""
    made = replace(routes, number=after + 1)
    try:
        await bus.publish(keys.routes(made.number), encode(made), id=secrets.token_hex(16), last=0)
    except Conflict:
        raise Conflict(f"someone else made version {made.number} of the routes meanwhile: look at it, then try again") from None
    return made


def base(now: Routes) -> int:
    """The number of the version that everybody follows who is no canary of this one."""
    return now.number if now.stage == "full" else now.before
