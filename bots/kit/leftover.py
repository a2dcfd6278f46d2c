"""Previews that whoever delivers the answer may not know of: the store forgot them or was away, or who asked for one gave up
before it got the note. Once the answer is out such a message goes, unless it has become the answer.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

import structlog

from bots.kit.contract import Channel, Streams
from bots.kit.standing import Standing
from core.errors import Ambiguous, NotSent, RateLimited, SendError, Unavailable

LONGEST, LOOK, LAST_LOOK = 120.0, 1.0, 6.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Leftover:
    """The native message that shows a turn's preview. `since`: the place in SENT after which the answer's receipts stand."""

    lane: str
    turn: str
    native: str
    address: dict[str, str]
    since: int


@dataclass(frozen=True, slots=True)
class Leftovers:
    channel: Channel
    standing: Standing
    watches: dict[asyncio.Task[None], Leftover] = field(default_factory=dict)

    def watch(self, left: Leftover) -> None:
        task = asyncio.create_task(self._watch(left), name=f"leftover-{left.lane}")
        self.watches[task] = left
        task.add_done_callback(self.watches.pop)

    async def end(self) -> None:
        """Look once more, for nobody else knows of what is left."""
        for task in (watches := dict(self.watches)):
            task.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_LOOK):
                await asyncio.gather(*(self._seen_to(left) for left in watches.values()))

    async def _watch(self, left: Leftover) -> None:
        now = asyncio.get_running_loop().time
        ends = now() + LONGEST
        while now() < ends:
            if await self._seen_to(left):
                return
            await asyncio.sleep(LOOK)

    async def _seen_to(self, left: Leftover) -> bool:
        """Whether the answer is out and nothing is left to do about its preview."""
        try:
            if not (await self.standing.of(left.lane, left.turn)).over:
                return False
            if not await self.standing.became(left.lane, left.turn, left.native, since=left.since):
                await cast(Streams, self.channel).withdraw(left.native, left.address)
        except (Unavailable, NotSent, RateLimited, Ambiguous) as error:
            log.debug("preview not withdrawn yet", reason=str(error))
            return False
        except SendError as error:
            log.warning("preview is left over", lane=left.lane, reason=str(error))
        return True
