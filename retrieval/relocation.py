"""Relocation: the service moves its passages to another store when asked, and by itself goes on with what was interrupted and
writes a shard anew that holds more of the past than of the present."""

import asyncio
from contextlib import suppress

import msgspec
import structlog

from core.errors import ConfigError, StoreUnavailable, TurnoutError
from core.records import decode, encode
from retrieval.copying import Differs
from retrieval.index import Index
from retrieval.records import Moved, MoveRequest
from retrieval.stores import KINDS

RETRY = 5.0
LOOK = 60.0
"""Seconds between two looks at whether the shard is to be written anew."""

log = structlog.get_logger("retrieval.moving")


class Relocation:
    """`run` moves, `answer` is asked for a move and tells how it goes."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._wanted = asyncio.Event()
        self._trouble = self._error = ""

    async def answer(self, data: bytes) -> bytes:
        kind, error = decode(MoveRequest, data).kind, ""
        if kind:
            error = await self._begin(kind)
        moving = await asyncio.to_thread(lambda: self._index.moving)
        if moving is None:
            return encode(Moved(store=self._index.store, error=error or self._error))
        how = Moved(store=moving.where, copied=moving.copied, documents=moving.documents, done=False)
        return encode(msgspec.structs.replace(how, trouble=self._trouble, error=error))

    async def run(self) -> None:
        """Move whatever is to be moved, for ever."""
        while True:
            self._wanted.clear()
            pause = 0.0
            try:
                left = await asyncio.to_thread(self._index.move_some)
                self._trouble = ""
            except (StoreUnavailable, ConfigError) as error:
                log.error("the move waits for a store", reason=str(error), again_in=RETRY)
                left, self._trouble, pause = 1, str(error), RETRY
            except Differs as error:
                log.error("the move is given up, the old store serves", reason=str(error))
                left, self._error = 0, str(error)
            if not left and not self._index.moving:
                await self._something()
            await asyncio.sleep(pause)

    async def _something(self) -> None:
        """Until a move is wanted, or it is time to look again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK):
                await self._wanted.wait()

    async def _begin(self, kind: str) -> str:
        """Why it cannot begin; "" where it does."""
        if kind not in KINDS:
            return f"there is no store {kind!r}: {' or '.join(KINDS)} is meant"
        try:
            await asyncio.to_thread(self._index.move, kind)
        except TurnoutError as error:
            return str(error)
        self._error = ""
        self._wanted.set()
        return ""
