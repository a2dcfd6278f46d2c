"""Servers without a protection, to see that the simulation misses it: `python -m tests.simulation --careless unfenced`."""

from typing import Any

from core.bus import Ack
from core.bus_memory import MemoryBus
from core.leases import Grant, MemoryLeases
from tests.simulation.world import Twins


class Unfenced(MemoryBus):
    """Stores whatever place the writer believes the subject stands at."""

    async def publish(self, subject: str, data: bytes, *, id: str, last: int | None = None) -> Ack:
        return await super().publish(subject, data, id=id)


class Forgetful(MemoryBus):
    """Knows no message again by its id."""

    async def publish(self, subject: str, data: bytes, *, id: str, last: int | None = None) -> Ack:
        return await super().publish(subject, data, id=f"{id} at {self.clock()}", last=last)


class Once(MemoryBus):
    """Counts a message as done when it has been handed out: the acknowledgement before the work."""

    def __init__(self, **options: Any) -> None:
        super().__init__(ack_wait=1e9, **options)


class Anyone(MemoryLeases):
    """Lets everybody into every lane."""

    async def acquire(self, key: str, holder: str, ttl: float) -> Grant | None:
        return Grant()

    async def renew(self, key: str, holder: str, ttl: float) -> bool | None:
        return False


class Unmarked(MemoryLeases):
    """Does not tell the holder that somebody waits."""

    async def acquire(self, key: str, holder: str, ttl: float) -> Grant | None:
        grant = await super().acquire(key, holder, ttl)
        if grant is None:
            self._states[key].waiting = False
        return grant


class Undead(MemoryLeases):
    """A lease never ends by itself."""

    async def acquire(self, key: str, holder: str, ttl: float) -> Grant | None:
        return await super().acquire(key, holder, 1e9)

    async def renew(self, key: str, holder: str, ttl: float) -> bool | None:
        return await super().renew(key, holder, 1e9)


CARELESS = {
    "unfenced": Twins(bus=Unfenced, leases=Anyone),
    "forgetful": Twins(bus=Forgetful),
    "once": Twins(bus=Once),
    "anyone": Twins(leases=Anyone),
    "unmarked": Twins(leases=Unmarked),
    "undead": Twins(leases=Undead),
}
