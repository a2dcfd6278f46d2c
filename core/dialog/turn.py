"""A turn: events of one lane carried to their committed answer."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import Counter, Histogram

from core import keys
from core.audience import EVERYONE, Reader
from core.bus import Bus, Stored
from core.dead import DeadEvent
from core.dialog.desk import Desk, Outcome
from core.dialog.recall import Recall, Summarise
from core.dialog.tracks.contract import Answer, Say
from core.errors import RecordError
from core.lane import Lane
from core.memory import Budget, Conversation, only, together
from core.records import Event, Live, Part, Turn, decode, encode

MERGE_QUIET = 0.7  # seconds without a new message that end a burst
MERGE_MOST = 20
MEASURED_HOURS = 1.0  # what was said only to measure is soon forgotten
SPEAKS = ("message", "button", "file")
SORRY = "I am sorry, something went wrong with that message and I could not answer it. Please try it another way."
NO_TEXT = "I can only read text for now. Please write what you would like to know."

TURNS = Counter("turnout_turns", "Committed turns", ["channel", "track", "outcome"])
SECONDS = Histogram("turnout_turn_seconds", "From taking an event up to its turn committed", ["channel"])

log = structlog.get_logger()


Readers = Callable[[Sequence[Event]], Awaitable[Reader]]
"""Who hears the answer to some events."""


async def everyone(_events: Sequence[Event]) -> Reader:
    """Where nobody knows who reads: what everyone may."""
    return EVERYONE


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive events answered together; `upto` is the place of the last one in the source."""

    events: tuple[Event, ...]
    upto: int

    @property
    def text(self) -> str:
        return "\n".join(event.text.strip() for event in self.events).strip()

    @property
    def speaks(self) -> bool:
        return bool(self.events) and self.events[0].kind in SPEAKS


@dataclass(slots=True)
class Preview:
    """The answer while it is made, as live tokens."""

    bus: Bus
    subject: str
    turn: str
    address: dict[str, str]
    said: int = 0

    async def working(self) -> None:
        await self.bus.emit(self.subject, encode(Live(turn=self.turn, n=0, state="working", address=self.address)))

    def begin(self) -> Say:
        """Start the answer anew: what was shown of another track's is void."""
        self.said = 0
        return self._say

    async def _say(self, text: str) -> None:
        await self.bus.emit(self.subject, encode(Live(turn=self.turn, n=self.said, text=text, address=self.address)))
        self.said += 1


@dataclass(frozen=True, slots=True)
class Made:
    """An outcome with what it answers, and what was remembered then of the conversation: nothing that must not be read."""

    outcome: Outcome
    batch: Batch
    conversation: Conversation


@dataclass(slots=True)
class Dialog:
    """`desk` gives the assistant as it stands now, so that an edited file counts from the next turn on."""

    bus: Bus
    recall: Recall
    desk: Callable[[], Desk]
    summarise: Summarise
    readers: Readers = everyone

    async def work(self, lane: Lane, message: Stored) -> None:
        """Carry the lane's next event, or the burst it begins, to the log. Raises RecordError for what is no event."""
        started = time.perf_counter()
        desk = self.desk()
        overlap = desk.assistant.policy(lane.channel).overlap
        ttl = _hours(desk, lane.channel) * 3600
        conversation, source = await self.recall.load(lane, ttl=ttl)
        recalled = _ms(started)
        batch = _unseen(await self._gather(lane, message, merge=overlap == "merge"), conversation)
        if not batch.events:
            lane.skip(batch.upto)
            return
        if batch.speaks:
            made = await self._answer(desk, lane, batch, conversation, interruptible=overlap == "interrupt")
        else:
            noted = Outcome(Answer(()), f"a {batch.events[0].kind} is recorded, not answered", kind="noted")
            made = Made(noted, batch, conversation)
        made.outcome.timings.update(memory=recalled, total=_ms(started))
        turn = _turn(lane, made)
        at = await lane.commit(encode(turn), id=turn.id, upto=made.batch.upto)
        self._tell(turn, memory=source)
        await self._remember(desk, self.recall.after(made.conversation, turn, at), turn)

    async def give_up(self, lane: Lane, message: Stored, reason: str, tries: int) -> None:
        """Put the event into DEAD, then tell the person once, if it asked for an answer, and let the lane go on."""
        try:
            event = decode(Event, message.data)
        except RecordError:
            event = Event(id=f"in{message.seq}", channel=lane.channel, lane=lane.id)
        dead = DeadEvent(id=event.id, subject=message.subject, reason=reason, tries=tries, raw=message.data, at=time.time())
        await self.bus.publish(keys.dead(lane.channel, lane.id), encode(dead), id=f"dead-{event.id}-{message.seq}")
        turn = Turn(
            id=event.id,
            channel=lane.channel,
            lane=lane.id,
            events=(event.id,),
            upto=message.seq,
            prev=lane.at,
            asked=event.text,
            author=event.author,
            address=event.address,
            outcome="dead",
            parts=(Part(text=SORRY),) if event.kind in SPEAKS else (),
            why=f"given up after {tries} tries: {reason}",
            at=time.time(),
            routes=self.desk().standing.of(lane.id).number,
        )
        await lane.commit(encode(turn), id=turn.id, upto=message.seq)
        self._tell(turn, memory="")

    async def _gather(self, lane: Lane, message: Stored, *, merge: bool) -> Batch:
        """The event, and with `merge` the burst of messages it begins, once that has been quiet for a moment."""
        batch = Batch((decode(Event, message.data),), message.seq)
        while merge and batch.speaks and len(batch.events) < MERGE_MOST:
            if (more := await _next(lane, batch)) is None:
                await asyncio.sleep(MERGE_QUIET)
                more = await _next(lane, batch)
            if more is None:
                break
            batch = more
        return batch

    async def _answer(self, desk: Desk, lane: Lane, batch: Batch, conversation: Conversation, *, interruptible: bool) -> Made:
        """The answer to the batch, and to newer messages that joined it while the answer was made."""
        while True:
            making = asyncio.create_task(self._make(desk, lane, batch, conversation))
            try:
                newer = await _newer(lane, batch, making, conversation) if interruptible else None
                if newer is None:
                    return await making
                batch = newer
            finally:
                making.cancel()
                await asyncio.wait({making})

    async def _make(self, desk: Desk, lane: Lane, batch: Batch, conversation: Conversation) -> Made:
        first, last = batch.events[0], batch.events[-1]
        preview = Preview(self.bus, keys.live(lane.channel, lane.id), first.id, last.address)
        await preview.working()
        reader = await self.readers(batch.events)
        conversation = only(conversation, reader.may_read)
        if not batch.text:
            return Made(Outcome(Answer((Part(text=NO_TEXT),)), "the message holds no text", track="none"), batch, conversation)
        if last.track and lane.channel == keys.EVALUATION:
            outcome = await desk.measure(batch.text, conversation, preview.begin, last, reader=reader)
        else:
            outcome = await desk.answer(batch.text, conversation, preview.begin, reader=reader)
        return Made(outcome, batch, conversation)

    def _tell(self, turn: Turn, *, memory: str) -> None:
        if turn.channel != keys.EVALUATION:
            TURNS.labels(turn.channel, turn.track, turn.outcome).inc()
            SECONDS.labels(turn.channel).observe(turn.timings.get("total", 0.0) / 1000)
        log.info(
            "turn",
            turn=turn.id,
            channel=turn.channel,
            lane=turn.lane,
            outcome=turn.outcome,
            intent=turn.intent,
            confidence=turn.confidence,
            track=turn.track,
            why=turn.why,
            model=turn.model,
            memory=memory,
            tokens=turn.usage.prompt_tokens + turn.usage.completion_tokens,
            ms=turn.timings,
        )

    async def _remember(self, desk: Desk, conversation: Conversation, turn: Turn) -> None:
        table = desk.assistant.memory
        budget = Budget(turns=table.turns, tokens=table.tokens)
        await self.recall.save(conversation, budget=budget, ttl=_hours(desk, turn.channel) * 3600, summarise=self.summarise)


async def _next(lane: Lane, batch: Batch) -> Batch | None:
    """The batch with the lane's next event, if one waits that can be answered together with it."""
    message = await lane.after(batch.upto)
    if message is None:
        return None
    try:
        event = decode(Event, message.data)
    except RecordError:
        return None
    return Batch((*batch.events, event), message.seq) if event.kind in SPEAKS else None


async def _newer(lane: Lane, batch: Batch, making: "asyncio.Task[Made]", conversation: Conversation) -> Batch | None:
    """Wait for the answer or for newer messages that interrupt it, all that wait by then; None when the answer came first. One
    that was answered before and comes again interrupts nothing."""
    while not making.done():
        arrival = asyncio.create_task(lane.newer.wait())
        try:
            await asyncio.wait({making, arrival}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            arrival.cancel()
        if lane.newer.is_set() and not making.done():
            lane.newer.clear()
            joined = batch
            while (more := await _next(lane, joined)) is not None and more.events[-1].id not in conversation.seen:
                joined = more
            if joined is not batch:
                return joined
    return None


def _unseen(batch: Batch, conversation: Conversation) -> Batch:
    """The batch without events that were answered before, under another place in the stream."""
    return Batch(tuple(event for event in batch.events if event.id not in conversation.seen), batch.upto)


def _turn(lane: Lane, made: Made) -> Turn:
    outcome, batch, conversation = made.outcome, made.batch, made.conversation
    first = batch.events[0]
    return Turn(
        id=first.id,
        channel=lane.channel,
        lane=lane.id,
        events=tuple(event.id for event in batch.events),
        upto=batch.upto,
        prev=lane.at,
        asked=batch.text,
        author=first.author,
        address=batch.events[-1].address,
        outcome=outcome.kind,
        parts=outcome.answer.parts,
        citations=outcome.answer.citations,
        intent=outcome.intent,
        confidence=round(outcome.confidence, 4),
        track=outcome.track,
        why=outcome.why,
        model=outcome.answer.model,
        usage=outcome.answer.usage,
        timings=outcome.timings,
        summary=conversation.summary,
        grounds=together(conversation.grounds, outcome.answer.grounds),
        at=time.time(),
        routes=outcome.routes,
        target=first.target,
    )


def _hours(desk: Desk, channel: str) -> float:
    """How long the channel remembers after a conversation's last turn."""
    if channel == keys.EVALUATION:
        return MEASURED_HOURS
    return desk.assistant.policy(channel).memory_hours or desk.assistant.memory.hours


def _ms(since: float) -> float:
    return round((time.perf_counter() - since) * 1000, 2)
