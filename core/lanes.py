"""Lanes: the ordered line of one conversation, in one worker's hands at a time.

A *line* joins two streams: messages of `source` are worked on, and what comes of them is committed to `sink`, one subject a
lane in each. The dialog service runs IN → LOG, a channel's delivery LOG → SENT.

The source stream is the truth; a delivery of the durable consumer is only a wake-up call and a thing to acknowledge:

1. A worker that gets a delivery takes the lane's lease. Held elsewhere: it leaves a waiting mark and gives the delivery back.
2. It learns where the lane stands: from the note the last holder left, or, after a crash, from the last message in the sink.
3. It takes the *first* message after that place from the stream, whichever delivery woke it, so a redelivery never overtakes.
4. It commits with the sequence the sink's subject must still have. Whoever lost the lease unawares gets Conflict: one winner.
5. It lets go only when nobody left a waiting mark; else it drains what waits.

Of a lane in hand only the newest delivery stays unacknowledged: after a crash it alone wakes the next holder, who reads the
rest from the stream. So somebody who writes a thousand messages takes one place in the consumer, not a thousand.

Without Redis only step 1 is lost: two workers may do the same work, the commit still admits one.
"""

import asyncio
import contextlib
import secrets
from dataclasses import dataclass

import structlog

from core import keys
from core.bus import Bus, Delivery, Stored
from core.errors import Conflict, Full, RecordError, StoreUnavailable, Unavailable
from core.lane import GiveUp, Lane, Line, Work
from core.leases import Grant, Leases

LEASE_SECONDS = 6.0
RENEW_SECONDS = 1.0
TOUCH_EVERY = 2  # renewals between two touches of a waiting delivery: well inside the 8 s after which it comes again
PAUSE = 0.5  # seconds before a lane whose bus was away is tried again
ASIDE = 1.0  # seconds before a lane that another worker is at as well is looked at again
BACK, BACK_MOST = 0.1, 5.0  # seconds a delivery of a lane held elsewhere is given back for, doubled each time
TRIES = 3
AT_ONCE = 256

log = structlog.get_logger()


@dataclass(slots=True)
class _Held:
    lane: Lane
    key: str
    holder: str
    delivery: Delivery | None
    leased: bool = False
    renewals: int = 0
    delay: float = 0.2  # seconds until what is handed back in the middle comes again
    task: "asyncio.Task[None] | None" = None

    @property
    def newest(self) -> int:
        """The place of the delivery in hand, 0 without one."""
        return self.delivery.message.seq if self.delivery else 0

    def let_out(self) -> Delivery | None:
        """The delivery, which is then no longer in hand."""
        delivery, self.delivery = self.delivery, None
        return delivery


class Lanes:
    """One worker of a line. `run` works until cancelled, then finishes or hands back what it holds."""

    def __init__(self, bus: Bus, leases: Leases, line: Line, *, work: Work, give_up: GiveUp, grace: float = 8.0) -> None:
        self._bus, self._leases, self._line = bus, leases, line
        self._work, self._give_up, self._grace = work, give_up, grace
        self._held: dict[str, _Held] = {}
        self._room = asyncio.Semaphore(AT_ONCE)
        self._apart = asyncio.Lock()

    @property
    def busy(self) -> int:
        """How many lanes are in hand now."""
        return len(self._held)

    async def run(self) -> None:
        line = self._line
        async with asyncio.TaskGroup() as side, self._bus.consume(line.source, line.durable, line.subject) as deliveries:
            renewing = side.create_task(self._renew(), name=f"{line.durable}-renew")
            try:
                async for delivery in deliveries:
                    await self._take(delivery)
            finally:
                await self._drain()
                renewing.cancel()

    async def _take(self, delivery: Delivery) -> None:
        subject = delivery.message.subject
        channel, lane = keys.lane_of(subject)
        if (held := self._held.get(subject)) is not None:
            await self._join(held, delivery)
            return
        await self._room.acquire()
        line = Lane(self._bus, self._line, channel, lane, subject)
        key = keys.lease(self._line.source, lane)
        held = _Held(line, key, secrets.token_hex(8), delivery)
        self._held[subject] = held
        held.task = asyncio.create_task(self._hold(held), name=f"lane-{lane}")

    async def _join(self, held: _Held, delivery: Delivery) -> None:
        """Another delivery for a lane in hand. An older one (a redelivery, or the streams were wiped) is seen to later."""
        if delivery.message.seq < held.newest:
            await delivery.back(_back(delivery))
            return
        older, held.delivery = held.delivery, delivery
        held.lane.newer.set()
        if older is not None and older.message.seq < delivery.message.seq:
            await older.ack()

    async def _hold(self, held: _Held) -> None:
        try:
            while held.delivery:
                try:
                    await self._empty(held)
                except (Unavailable, Full) as error:
                    log.warning("bus away or full, lane waits", lane=held.lane.id, error=str(error))
                    await asyncio.sleep(PAUSE)
        except Conflict as error:  # without leases two may hold a lane: one steps aside, else both give up what each hinders
            log.warning("lane left to another worker", lane=held.lane.id, error=str(error))
            held.delay = ASIDE
        except Exception as error:  # one lane's trouble must not stop its neighbours; its message comes again
            log.exception("lane failed", lane=held.lane.id, error=str(error))
            held.delay = BACK_MOST
        finally:
            try:
                await self._let_go(held)
            finally:
                del self._held[held.lane.subject]
                self._room.release()

    async def _empty(self, held: _Held) -> None:
        """Take the lane, drain it, let go. Taken elsewhere: give the deliveries back."""
        lane = held.lane
        grant = await self._acquire(held)
        if grant is None:
            await self._hand_back(held)
            return
        if not grant.note:
            await lane.look()
        else:
            lane.read_note(grant.note)
            if held.newest <= lane.upto:  # answered already; or the streams were wiped and count anew
                await lane.look()
                if lane.left is None:
                    log.error("a lane begins anew: were the streams wiped?", lane=lane.id, stood=grant.note)
        while True:
            known = held.newest
            message = await lane.after(lane.upto) if not known or known > lane.upto else None
            if message is not None:
                lane.newer.clear()
                if known > message.seq:
                    lane.newer.set()
                await self._begin(held, message, grant)
                grant = Grant()
            await self._acknowledge(held, gone=known if message is None else 0)
            if held.delivery is None and await self._release(held, lane.note):
                return

    async def _acquire(self, held: _Held) -> Grant | None:
        try:
            grant = await self._leases.acquire(held.key, held.holder, LEASE_SECONDS)
        except StoreUnavailable:
            return Grant()
        held.leased = grant is not None
        return grant

    async def _begin(self, held: _Held, message: Stored, grant: Grant) -> None:
        """A message that workers may have died over is marked before it is worked on; from half its deaths on those are
        worked on one at a time, so that none is struck for its neighbour."""
        strikes = grant.struck(message.seq)
        if not strikes:
            await self._carry(held.lane, message, 0)
            return
        async with self._apart if 2 * strikes > self._line.deaths else contextlib.nullcontext():
            with contextlib.suppress(StoreUnavailable):
                await self._leases.begin(held.key, held.holder, message.seq, strikes)
            await self._carry(held.lane, message, strikes)

    async def _carry(self, lane: Lane, message: Stored, strikes: int) -> None:
        """One message to its commit. Raises Conflict when another worker is at it as well and not through with it."""
        for again in reversed(range(TRIES)):
            try:
                await self._try(lane, message, strikes)
                return
            except Conflict:
                await lane.look()
                if lane.upto >= message.seq:
                    return
                if not again:
                    raise

    async def _try(self, lane: Lane, message: Stored, strikes: int) -> None:
        """In at most TRIES tries, dead holders counted; then it is given up."""
        reason = "the worker stopped while working on it"
        for tried in range(strikes * TRIES // self._line.deaths, TRIES):
            try:
                await self._work(lane, message)
                return
            except (Conflict, Unavailable, Full):
                raise
            except RecordError as error:
                reason = str(error)
                break
            except Exception as error:  # the boundary: whatever a turn raises is a failed try, told in DEAD
                reason = f"{type(error).__name__}: {error}"
                log.warning("try failed", lane=lane.id, seq=message.seq, tries=tried + 1, reason=reason, exc_info=True)
                await asyncio.sleep(0.2 * 3**tried)
        await lane.look()  # what a note from before the store was away calls unfinished may be finished
        if lane.upto < message.seq:
            await self._give_up(lane, message, reason, TRIES)

    async def _acknowledge(self, held: _Held, *, gone: int) -> None:
        """The delivery, once its message is finished, or no longer in the source up to `gone`."""
        if held.newest <= max(held.lane.upto, gone) and (delivery := held.let_out()) is not None:
            await delivery.ack()

    async def _release(self, held: _Held, note: str = "") -> bool:
        """False: someone waits, and the lease is still ours. Only who is through leaves a note: it may be wrong before."""
        if not held.leased:
            return True
        held.leased = False  # before the call: a renewal under way must not take the end of the lease for its loss
        with contextlib.suppress(StoreUnavailable):
            held.leased = not await self._leases.release(held.key, held.holder, note)
        return not held.leased

    async def _hand_back(self, held: _Held, delay: float = 0.0) -> None:
        while (delivery := held.let_out()) is not None:
            await delivery.back(delay or _back(delivery))

    async def _let_go(self, held: _Held) -> None:
        """After a hold, however it ended: what is not finished comes again soon, here or elsewhere."""
        try:
            await self._release(held) or await self._release(held)
            await self._hand_back(held, delay=held.delay)
        except Unavailable as error:
            log.warning("lane let go without the bus", lane=held.lane.id, error=str(error))

    async def _drain(self) -> None:
        """Give running lanes their grace, then hand them back."""
        tasks = [held.task for held in self._held.values() if held.task]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _renew(self) -> None:
        """Keep what is in hand: leases every second, waiting deliveries every few."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await asyncio.gather(*(self._keep(held) for held in list(self._held.values())))

    async def _keep(self, held: _Held) -> None:
        held.renewals += 1
        if held.renewals % TOUCH_EVERY == 0:
            with contextlib.suppress(Unavailable):
                if held.delivery is not None:
                    await held.delivery.touch()
        if not held.leased:
            return
        try:
            waiting = await self._leases.renew(held.key, held.holder, LEASE_SECONDS)
        except StoreUnavailable:
            return
        if waiting:
            held.lane.newer.set()
        if waiting is None and held.leased and held.task is not None:
            log.warning("lease lost", lane=held.lane.id)
            held.leased = False
            held.task.cancel()


def _back(delivery: Delivery) -> float:
    """Seconds until a delivery that has to wait comes again: longer each time."""
    return float(min(BACK * 2**delivery.tries, BACK_MOST))
