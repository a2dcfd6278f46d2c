"""How far a lane's answers are delivered, as LOG and SENT say, whoever delivers them."""

import time
from dataclasses import dataclass

from core import keys
from core.bus import STREAMS, Bus, Stored
from core.errors import Unavailable
from core.records import Receipt, Turn, decode

LATE = 60.0  # seconds that an answer's live tokens may be late
RECEIPTS = next(stream.days for stream in STREAMS if stream.name == "SENT")  # days a receipt is kept, as a turn is for years


@dataclass(frozen=True, slots=True)
class Stand:
    """Of a lane as it stands now: whether all that is committed in it is delivered, whether a certain turn is `over` with it,
    and the place of its last receipt."""

    delivered: bool = False
    over: bool = False
    receipt: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    bus: Bus
    channel: str

    async def of(self, lane: str, turn: str) -> Stand:
        """How a lane stands, seen from a turn of it. Nothing is known to be delivered while the bus is away."""
        try:
            last = await self.bus.last("LOG", keys.log(self.channel, lane))
            if last is None:
                return Stand(delivered=True)
            receipt = await self.bus.last("SENT", keys.sent(self.channel, lane))
            place = receipt.seq if receipt else 0
            if (receipt is None or done(receipt.data) < last.seq) and not expired(decode(Turn, last.data)):
                return Stand(receipt=place)
            return Stand(delivered=True, over=await self._committed(last, turn), receipt=place)
        except Unavailable:
            return Stand()

    async def became(self, lane: str, turn: str, native: str, *, since: int) -> bool:
        """Whether a native message is part of a turn's answer, by the lane's receipts after a place. Raises Unavailable."""
        while (stored := await self.bus.first_after("SENT", keys.sent(self.channel, lane), since)) is not None:
            receipt, since = decode(Receipt, stored.data), stored.seq
            if receipt.turn == turn and native in receipt.native:
                return True
        return False

    async def _committed(self, last: Stored | None, turn: str) -> bool:
        """Whether a turn is among the last ones of a lane: who has slept hears of it when it is over."""
        since = time.time() - LATE
        while last is not None:
            found = decode(Turn, last.data)
            if found.id == turn:
                return True
            last = await self.bus.read("LOG", found.prev) if found.prev and found.at > since else None
        return False


def done(data: bytes) -> int:
    """Up to which log sequence a lane is delivered, as its last receipt says."""
    receipt = decode(Receipt, data)
    return receipt.upto if receipt.state in ("done", "dropped") else receipt.upto - 1


def expired(turn: Turn) -> bool:
    """Whether a turn is so old that its receipt may be gone."""
    return 0 < turn.at < time.time() - (RECEIPTS - 1) * 86400
