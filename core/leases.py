"""Leases: at most one worker in a lane at a time.

A lease is only a way not to work twice; what makes a lost one harmless is the fence at the commit (`core.lanes`). So a store
that forgets, or is away, costs time, never correctness.

`core.redis_store.RedisLeases` and `MemoryLeases` pass the same suite.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from core.records import Record


def now() -> float:
    """Seconds on the clock of the running loop, by which the twins without servers count."""
    return asyncio.get_running_loop().time()


class Grant(Record, frozen=True):
    """A lease in hand. `note` is what the last holder left when it let go, handed out once: None the first time and after a
    crash, "" when it stopped in the middle. `strikes` counts the holders that may have died since then over the message at
    `place` (0: over whichever comes first)."""

    note: str | None = None
    strikes: int = 0
    place: int = 0

    def struck(self, place: int) -> int:
        """How many holders may have died over the message at a place."""
        return self.strikes if self.place in (0, place) else min(self.strikes, 1)


class Leases(Protocol):
    """Every method raises StoreUnavailable when the store does not answer. `holder` names one worker's one hold."""

    async def acquire(self, key: str, holder: str, ttl: float) -> Grant | None:
        """None when someone else holds it: then a waiting mark is left for that holder."""

    async def begin(self, key: str, holder: str, place: int, strikes: int) -> None:
        """Mark what the holder works on now: a message that `strikes` holders may have died over. If this one dies as well, it
        is one more; who dies without having begun anything (it only could not say that it let go) is none."""

    async def renew(self, key: str, holder: str, ttl: float) -> bool | None:
        """None when the lease is lost; else whether someone waits (the mark stays). One that ran out is not lost before another
        has taken it."""

    async def release(self, key: str, holder: str, note: str) -> bool:
        """Let go and leave a note, unless someone waits: then the mark is taken, the lease stays, and False returns."""


@dataclass
class _State:
    holder: str = ""
    until: float = 0.0
    waiting: bool = False
    note: str | None = None
    strikes: int = 0
    place: int = 0
    begun: bool = False


@dataclass
class MemoryLeases:
    """The in-memory twin."""

    clock: Callable[[], float] = now
    _states: dict[str, _State] = field(default_factory=dict)

    async def acquire(self, key: str, holder: str, ttl: float) -> Grant | None:
        state = self._states.setdefault(key, _State())
        if state.holder and state.holder != holder and state.until > self.clock():
            state.waiting = True
            return None
        if state.holder and state.holder != holder:
            state.strikes = state.strikes + state.begun or 1
            state.begun = False
        grant = Grant(note=state.note, strikes=state.strikes, place=state.place)
        state.holder, state.until, state.note = holder, self.clock() + ttl, None
        return grant

    async def begin(self, key: str, holder: str, place: int, strikes: int) -> None:
        state = self._states.get(key)
        if state is not None and state.holder == holder:
            state.place, state.strikes, state.begun = place, strikes, True

    async def renew(self, key: str, holder: str, ttl: float) -> bool | None:
        state = self._states.get(key)
        if state is None or state.holder != holder:
            return None
        state.until = self.clock() + ttl
        return state.waiting

    async def release(self, key: str, holder: str, note: str) -> bool:
        state = self._states.get(key)
        if state is None or state.holder != holder:
            return True
        if state.waiting:
            state.waiting = False
            return False
        self._states[key] = _State(note=note)
        return True
