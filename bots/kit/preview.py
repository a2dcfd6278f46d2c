"""What a person sees while an answer is made: the typing sign, and where the platform has it, the text as it grows.

All of it is ornament: it listens to passing messages, takes only the sends nobody else needs, and losing any of it loses
nothing. But it must end exactly when the answer goes out. So of all replicas one shows a lane, by a lease; the delivery takes
the lane from it first, and gets the preview's message id with it, so that the preview becomes the answer by an edit. And it
must not stand before an earlier answer: no text is shown while a committed turn of the lane is still to be delivered.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

import structlog

from bots.kit.contract import Channel, Piece, Streams, Typing
from bots.kit.leftover import Leftover, Leftovers
from bots.kit.pace import Pace
from bots.kit.standing import Standing
from core import keys
from core.bus import Stored
from core.errors import Ambiguous, RateLimited, RecordError, SendError, StoreUnavailable
from core.leases import Grant, Leases
from core.records import Live, decode

LEASE = 6.0
LONGEST = 120.0
TYPE_EVERY = 4.0
TICK, RENEW = 0.2, 1.0
REMEMBERED = 1000
STOP_SECONDS = 10.0
UNKNOWN = "?"

log = structlog.get_logger()


@dataclass(slots=True)
class Showing:
    """One answer on its way. `held` once the lane's lease was ours, `free` while no earlier answer is still to be shown, `id`
    is the preview's native message, `since` the place in SENT after which the answer's receipts stand."""

    turn: str
    address: dict[str, str]
    text: str = ""
    expected: int = 0
    broken: bool = False
    id: str = ""
    held: bool = False
    free: bool = False
    since: int | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None

    async def rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stop.wait()

    def hear(self, live: Live) -> None:
        """A gap ends the text until the answer starts anew: a preview with a hole in it would say something else."""
        self.address = live.address or self.address
        if live.n == 0:
            self.text, self.expected, self.broken = live.text, int(live.state == "text"), False
        elif live.n == self.expected and not self.broken:
            self.text, self.expected = self.text + live.text, live.n + 1
        else:
            self.broken = True


class Previews:
    """The previews of one channel process. `streams` says whether the channel's policy wants growing text now."""

    def __init__(
        self,
        channel: Channel,
        leases: Leases,
        pace: Pace,
        *,
        streams: Callable[[], bool],
        standing: Standing,
    ) -> None:
        self._channel, self._leases, self._pace, self._streams = channel, leases, pace, streams
        self._standing = standing
        self._leftovers = Leftovers(channel, standing)
        self._can = channel.manifest.capabilities & {"stream", "typing"}
        self._lanes: dict[str, dict[str, Showing]] = {}
        self._handing: set[str] = set()
        self._over: dict[str, str] = {}  # turns no longer shown here, and the message a preview left

    async def run(self, lives: AsyncIterator[Stored]) -> None:
        try:
            async for message in lives:
                with suppress(RecordError):
                    self.hear(keys.lane_of(message.subject)[1], decode(Live, message.data))
        finally:
            tasks = [showing.task for line in self._lanes.values() for showing in line.values() if showing.task]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._leftovers.end()

    def hear(self, lane: str, live: Live) -> None:
        if not self._can or live.turn in self._over:
            return
        line = self._lanes.setdefault(lane, {})
        line.setdefault(live.turn, Showing(live.turn, live.address)).hear(live)
        self._begin(lane)

    @asynccontextmanager
    async def handed_over(self, lane: str, turn: str) -> AsyncIterator[str]:
        """End this turn's preview wherever it is shown; gives its native message, "" where there is none to edit, UNKNOWN where
        one may stand whose message nobody can tell. Until the block ends no later turn of the lane is shown, so nothing
        overtakes the answer."""
        if not self._can:
            yield ""
            return
        self._handing.add(lane)
        left = self._over.get(turn, "")
        self._forget(turn, left)
        try:
            taken = await self._take(lane, turn)
            yield left if left and taken in ("", UNKNOWN) else taken
        finally:
            self._handing.discard(lane)
            self._begin(lane)

    async def _take(self, lane: str, turn: str) -> str:
        line = self._lanes.get(lane, {})
        showing = line.get(turn)
        if showing is None or showing.task is None:
            line.pop(turn, None)
        else:  # it stays in its line until it has ended: whoever waits for that may be stopped, and another ask again
            showing.stop.set()
            done, _ = await asyncio.wait({showing.task}, timeout=STOP_SECONDS)
            if not done:
                showing.task.cancel()
                return showing.id or UNKNOWN
            if showing.held:
                return showing.id
        return await self._take_from_elsewhere(lane, turn)

    async def _take_from_elsewhere(self, lane: str, turn: str) -> str:
        """Another replica shows the lane, or nobody does: asking for the lease tells it to stop."""
        key, holder = keys.lease("PREVIEW", lane), secrets.token_hex(8)
        try:
            for _ in range(int(LEASE / TICK) + 5):
                if (grant := await self._leases.acquire(key, holder, LEASE)) is not None:
                    note, left = _left(grant, turn)
                    await self._release(key, holder, note)
                    return left
                await asyncio.sleep(TICK)
        except StoreUnavailable:
            log.debug("no store to ask for a preview", lane=lane)
        return UNKNOWN

    def _begin(self, lane: str) -> None:
        """Show the lane's oldest answer, unless one is being delivered."""
        line = self._lanes.get(lane)
        if not line:
            self._lanes.pop(lane, None)
            return
        first = next(iter(line.values()))
        if first.task is None and lane not in self._handing:
            first.task = asyncio.create_task(self._present(lane, first), name=f"preview-{lane}")
            first.task.add_done_callback(lambda _: self._ended(lane, first))

    def _ended(self, lane: str, showing: Showing) -> None:
        self._forget(showing.turn, showing.id)
        self._lanes.get(lane, {}).pop(showing.turn, None)
        self._begin(lane)

    def _forget(self, turn: str, left: str) -> None:
        self._over[turn] = left
        if len(self._over) > REMEMBERED:
            del self._over[next(iter(self._over))]

    async def _present(self, lane: str, showing: Showing) -> None:
        key, holder = keys.lease("PREVIEW", lane), secrets.token_hex(8)
        try:
            note = await self._take_lane(key, holder, showing)
            if note is None:
                return
            showing.held = True
            shown, _, rest = note.partition(":")
            try:
                if (shown, rest) != ("over", showing.turn):
                    showing.id = rest if shown == showing.turn else ""
                    await self._show(lane, showing, holder)
            finally:
                await self._leave(key, holder, showing)
            if showing.id not in ("", UNKNOWN):
                self._leftovers.watch(Leftover(lane, showing.turn, showing.id, showing.address, showing.since or 0))
        except StoreUnavailable:
            log.debug("no preview without a store", lane=lane)
        except Exception as error:  # a channel's fault in an ornament must not touch the answers
            log.warning("preview failed", lane=lane, error=str(error), exc_info=True)

    async def _take_lane(self, key: str, holder: str, showing: Showing) -> str | None:
        """The note of who held the lane last. None while it is held elsewhere, once this answer goes out, and where whoever
        held it has died, for a second preview would hide the first. One that an earlier answer has yet to become is left to it,
        with its note."""
        while not showing.stop.is_set():
            grant = await self._leases.acquire(key, holder, LEASE)
            if grant is None:
                return None
            if grant.note is None and grant.strikes:
                await self._release(key, holder, UNKNOWN)
                return None
            shown, _, left = (grant.note or "").partition(":")
            if not left or shown in ("over", showing.turn):
                return grant.note or ""
            await self._release(key, holder, f"{shown}:{left}")
            await showing.rest(TICK)
        return None

    async def _show(self, lane: str, showing: Showing, holder: str) -> None:
        now = asyncio.get_running_loop().time
        ends, typed, renewed, drawn, drawn_at = now() + LONGEST, -TYPE_EVERY, now(), "", 0.0
        every = self._channel.manifest.limits.edit_every
        while now() < ends and not showing.stop.is_set():
            draws = showing.text != drawn and now() - drawn_at >= every
            if draws or now() - renewed >= RENEW:  # first of all: we may have slept while the answer went out
                renewed = now()
                if not await self._goes_on(lane, holder, showing):
                    return
            try:
                streaming = showing.free and showing.text != ""
                if streaming and draws and self._pace.spare():
                    drawn, drawn_at = showing.text, now()
                    await self._draw(showing, drawn)
                elif "typing" in self._can and not streaming and now() - typed >= TYPE_EVERY and self._pace.spare():
                    typed = now()
                    await cast(Typing, self._channel).typing(showing.address)
            except RateLimited as error:
                drawn_at = typed = now() + error.after
            except SendError as error:
                log.debug("preview given up", reason=str(error))
                showing.id = showing.id or (UNKNOWN if isinstance(error, Ambiguous) else "")
                return
            await showing.rest(TICK)

    async def _goes_on(self, lane: str, holder: str, showing: Showing) -> bool:
        """Asked before each draw and every second: whether the lane is still ours, nobody asks for it, and the answer is not
        out already, delivered by a process that could not ask."""
        try:
            waiting = await self._leases.renew(keys.lease("PREVIEW", lane), holder, LEASE)
        except StoreUnavailable:
            waiting = None
        if waiting is False and showing.text and "stream" in self._can and self._streams():
            stand = await self._standing.of(lane, showing.turn)
            showing.free = stand.delivered and not stand.over
            if showing.free and showing.since is None:
                showing.since = stand.receipt
            return not stand.over
        return waiting is False

    async def _draw(self, showing: Showing, text: str) -> None:
        piece = Piece(turn=showing.turn, text=text, address=showing.address)
        showing.id = await cast(Streams, self._channel).show(piece, showing.id)

    async def _leave(self, key: str, holder: str, showing: Showing) -> None:
        """With a note for whoever delivers the answer."""
        note = f"over:{showing.turn}" if showing.stop.is_set() else f"{showing.turn}:{showing.id}"
        with suppress(StoreUnavailable):
            await self._release(key, holder, note)

    async def _release(self, key: str, holder: str, note: str) -> None:
        """Whoever waits asks again and again, and leaves another mark between any two of our tries."""
        while not await self._leases.release(key, holder, note):
            log.debug("somebody waits for the preview", key=key)


def _left(grant: Grant, turn: str) -> tuple[str, str]:
    """The note to leave once a lane is ours, and what is known of a turn's preview. A store that has forgotten says nothing:
    who shows it finds out, and withdraws it. What stands there for another turn is left to that one."""
    if grant.note is None:
        return f"over:{turn}", UNKNOWN if grant.strikes else ""
    shown, _, left = grant.note.partition(":")
    if shown in (turn, "over") or not left:
        return f"over:{turn}", left if shown == turn else "" if shown == "over" else UNKNOWN
    return grant.note, UNKNOWN
