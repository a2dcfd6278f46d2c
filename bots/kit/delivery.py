"""Delivery: a lane's committed turns, sent one native message after another, with an intent before and a receipt after each.

The last message of the lane in SENT says how far it is. An intent without a receipt is *ambiguous*: the message may have been
shown. What then happens depends on what the platform lets one know:

- it can be asked (`reconcile`): look, and send only what is not there;
- the message is an edit: do it again, the same edit twice is one;
- neither: by the channel's policy `resend` once, marked as a possible repeat, or `drop`. Counted either way.

Nobody is sure to have died: a process may have been asleep. So another's intent is in doubt only once it is older than a lease,
and whoever finds that it slept between its intent and the send stores the intent again, which fails if somebody went on.

A receipt travels with the next intent, so a turn of n messages costs n + 1 records.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import structlog
from msgspec.structs import replace
from prometheus_client import Counter

from bots.kit.contract import Channel, Native, Reconciles
from bots.kit.pace import Pace
from bots.kit.preview import UNKNOWN, Previews
from bots.kit.standing import expired
from core.assistant import ChannelPolicy
from core.bus import Stored
from core.errors import Ambiguous, Conflict, NotSent, RateLimited, Refused, SendError
from core.lane import Lane
from core.lanes import LEASE_SECONDS
from core.records import Receipt, Turn, decode, encode

FIRST_WAIT, LONGEST_WAIT = 0.5, 5.0
START_WITHIN = 2.0  # seconds from an intent to the beginning of its send
QUIET = LEASE_SECONDS + START_WITHIN  # seconds in which another's intent is not in doubt: it may be sending still
REPEATED = "repeat"  # stands in an intent's `why` when what is sent is the marked repeat

SENDS = Counter("turnout_sends", "Native messages, by what became of them", ["channel", "result"])
AMBIGUOUS = Counter("turnout_ambiguous_sends", "Sends that may or may not have arrived, by what was done", ["channel", "done"])

log = structlog.get_logger()


class Undeliverable(Exception):
    """The platform refuses the turn for good."""


@dataclass(slots=True)
class Outgoing:
    """A turn on its way out: the native ids of what is out already ("" for a message that was left out)."""

    lane: Lane
    seq: int
    turn: str
    by: str
    native: list[str] = field(default_factory=list)

    async def store(self, state: str, *, editing: str = "", why: str = "") -> None:
        """Commit where the turn stands. `editing`: the native message that the next one replaces."""
        native = (*self.native, editing) if editing else tuple(self.native)
        receipt = Receipt(
            turn=self.turn,
            upto=self.seq,
            state=state,  # type: ignore[arg-type]
            by=self.by,
            part=len(self.native),
            native=native,
            why=why,
            at=time.time(),
        )
        data, finished = encode(receipt), state in ("done", "dropped")
        id = f"{self.turn}.{self.seq}.{receipt.part}.{state}.{self.lane.at}"
        try:
            await self.lane.commit(data, id=id, upto=self.seq if finished else self.lane.upto)
        except Conflict:
            await self.lane.look()
            if self.lane.left is None or self.lane.left.data != data:  # else it was this very commit, its reply lost
                raise


class Attempt:
    """One message and what has become of it so far. `doubtful`: it may be shown already."""

    def __init__(self, forms: Iterator[Native], doubtful: bool) -> None:
        self._forms, self._wait = forms, FIRST_WAIT
        self.message, self.doubtful = next(forms), doubtful

    def longer(self) -> float:
        """Seconds to wait; twice as many the next time."""
        wait, self._wait = self._wait, min(2 * self._wait, LONGEST_WAIT)
        return wait

    def plainer(self, refusal: Refused) -> None:
        """Go on with a plainer form; Undeliverable when there is none."""
        form = next(self._forms, None)
        if form is None:
            raise Undeliverable(str(refusal)) from refusal
        self.message = replace(form, repeat=self.message.repeat)


@dataclass(slots=True)
class Delivery:
    """The work of a channel's delivery line. `policy` gives the channel's policy as it stands now."""

    channel: Channel
    policy: Callable[[], ChannelPolicy]
    pace: Pace
    previews: Previews
    name: str = field(default_factory=lambda: secrets.token_hex(4))
    _tried: dict[str, tuple[int, int, bool]] = field(default_factory=dict)  # by lane, what we last began to send

    async def work(self, lane: Lane, message: Stored) -> None:
        """Send the lane's next turn. Raises RecordError for what is no turn."""
        await lane.look()
        await self._quiet(lane)
        if lane.upto >= message.seq:
            return
        turn = decode(Turn, message.data)
        if expired(turn):
            await Outgoing(lane, message.seq, turn.id, self.name).store("dropped", why="too old: its receipt may have expired")
            return
        async with self.previews.handed_over(lane.id, turn.id) as shown:
            await self._send(lane, message.seq, turn, shown)

    async def give_up(self, lane: Lane, message: Stored, reason: str, tries: int) -> None:
        log.error("turn not delivered", lane=lane.id, seq=message.seq, reason=reason, tries=tries)
        self._count("dropped")
        await Outgoing(lane, message.seq, f"log{message.seq}", self.name).store("dropped", why=reason)

    async def _quiet(self, lane: Lane) -> None:
        """Wait while another process may still be sending: until its intent is old, or it has gone on."""
        ends = asyncio.get_running_loop().time() + QUIET  # whatever the other's clock says
        while lane.left is not None and asyncio.get_running_loop().time() < ends:
            last = decode(Receipt, lane.left.data)
            if last.state != "intent" or last.by == self.name or time.time() - last.at >= QUIET:
                return
            await asyncio.sleep(0.25)
            await lane.look()

    async def _send(self, lane: Lane, seq: int, turn: Turn, shown: str) -> None:
        out = Outgoing(lane, seq, turn.id, self.name)
        messages = self.channel.render(turn)
        last = decode(Receipt, lane.left.data) if lane.left is not None else None
        doubtful = again = False
        if last is not None and last.upto == seq:
            out.native = list(last.native[: last.part])
            shown = last.native[last.part] if len(last.native) > last.part else shown
            again = last.why == REPEATED
            doubtful = last.state == "intent" and (last.by != self.name or self._tried.get(lane.id) == (seq, last.part, again))
        try:
            for place, message in enumerate(messages[len(out.native) :], len(out.native)):
                if place == 0:
                    message = replace(message, **_begun(shown, again=doubtful))
                if again:
                    message = replace(message, repeat=True)
                out.native.append(await self._bring(out, message, doubtful))
                doubtful = again = False
        except Undeliverable as refusal:
            self._count("dropped")
            log.error("turn not delivered", lane=lane.id, turn=turn.id, reason=str(refusal))
            await out.store("dropped", why=str(refusal))
            return
        unseen = (message.id for message, native in zip(messages, out.native, strict=False) if not native)
        await out.store("done", why="; ".join(f"{id} may not have arrived" for id in unseen))
        self._tried.pop(lane.id, None)

    async def _bring(self, out: Outgoing, message: Native, doubtful: bool) -> str:
        """One message, until it is out (its native id) or left out (""). Raises Undeliverable when the platform says no."""
        attempt = Attempt(_forms(message), doubtful)
        while True:
            try:
                return await self._once(out, attempt)
            except RateLimited as error:
                await self._pause(out, attempt, error.after, error)
            except NotSent as error:
                await self._pause(out, attempt, attempt.longer(), error)
            except Ambiguous as error:
                log.warning("send is ambiguous", lane=out.lane.id, message=message.id, reason=str(error))
                if attempt.doubtful:  # the question whether it arrived failed, not a send
                    await asyncio.sleep(attempt.longer())
                attempt.doubtful = True
            except Refused as error:
                self._count("refused")
                log.warning("send refused", lane=out.lane.id, message=message.id, reason=str(error))
                attempt.plainer(error)

    async def _once(self, out: Outgoing, attempt: Attempt) -> str:
        if attempt.doubtful:
            found = await self._settle(out, attempt)
            if found is not None:
                return found
            attempt.doubtful = False
        message = attempt.message
        await self.pace.turn(out.lane.id)
        for _ in range(3):
            begun = asyncio.get_running_loop().time()
            await out.store("intent", editing=message.edits, why=REPEATED if message.repeat else "")
            if asyncio.get_running_loop().time() - begun < START_WITHIN:
                break
        self._tried[out.lane.id] = (out.seq, len(out.native), message.repeat)
        native = await self.channel.deliver(message)
        self._count("sent")
        return native

    async def _settle(self, out: Outgoing, attempt: Attempt) -> str | None:
        """After an ambiguous send: the native id when it is over with, None when the attempt's message is to be sent."""
        message = attempt.message
        if "reconcile" in self.channel.manifest.capabilities:
            found = await cast(Reconciles, self.channel).find(message)
            self._doubt("found" if found else "not there, sent")
            return found or None
        if message.edits:
            self._doubt("edited again")
            return None
        if message.repeat or self.policy().ambiguous == "drop":
            self._doubt("dropped")
            return ""
        self._doubt("resent, marked")
        attempt.message = replace(message, repeat=True)
        return None

    async def _pause(self, out: Outgoing, attempt: Attempt, seconds: float, error: SendError) -> None:
        """Wait, with the record that nothing is in flight, so that a restart meanwhile has nothing to doubt."""
        self._count("waited")
        log.warning("send waits", lane=out.lane.id, message=attempt.message.id, seconds=seconds, reason=str(error))
        if not attempt.doubtful and not attempt.message.repeat:
            await out.store("sent", editing=attempt.message.edits)
        await asyncio.sleep(seconds)

    def _count(self, result: str) -> None:
        SENDS.labels(self.channel.manifest.id, result).inc()

    def _doubt(self, what: str) -> None:
        AMBIGUOUS.labels(self.channel.manifest.id, what).inc()


def _begun(shown: str, *, again: bool) -> dict[str, Any]:
    """How a turn's first message takes up its preview. `again`: by another worker than the one that knew of it."""
    return {"edits": shown} if shown not in ("", UNKNOWN) else {"orphan": again or shown == UNKNOWN}


def _forms(message: Native) -> Iterator[Native]:
    """The message, then ever plainer: as plain text, as a new message instead of an edit. The edit goes first in both forms:
    were only its form refused, a new message would leave the preview standing beside the answer."""
    yield message
    if message.edits:
        if message.body:
            yield replace(message, body={})
        yield replace(message, edits="")
    if message.body:
        yield replace(message, edits="", body={})
