"""The roll-out: follows the log beside the dialog, lets a canary's share grow or takes it back, and lets a shadow answer.

Every core does this. All read the same log and come to the same end at the same turn; the version they then make admits one of
them, and the others follow it. Nothing is kept: after a restart the log is read again from where the roll-out began.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

import structlog
from msgspec.structs import replace
from prometheus_client import Counter, Gauge

from core import keys
from core.assistant import Assistant
from core.bus import Bus
from core.errors import Conflict, RecordError, TurnoutError
from core.policy.canary import Canary
from core.policy.routes import Routes
from core.records import Event, Turn, decode, encode
from core.routes import versions
from core.routes.shadows import shadow_id
from core.routes.standing import Standing
from core.routes.trial import Trial, promised, trial_of

AGAIN = 3.0
MOST_SHADOWS = 200
BY = "roll-out"

ROLLBACKS = Counter("turnout_routes_rollbacks", "Canaries that this process took back")
EVIDENCE = Gauge(
    "turnout_canary_evidence", "The strongest evidence that a canary breaches a constraint; at 500 it is taken back"
)
SHADOWS = Counter("turnout_shadow_questions", "Questions that a route in shadow was asked as well")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Rollout:
    """`file` gives the assistant as it stands."""

    bus: Bus
    standing: Standing
    file: Callable[[], Assistant]
    clock: Callable[[], float] = time.time

    async def run(self) -> None:
        """Attend to whatever version is in force, until cancelled."""
        while True:
            changed, version = self.standing.changed, self.standing.now
            EVIDENCE.set(1.0)
            attending = asyncio.create_task(self._attend(version), name=f"roll-out {version.number}")
            try:
                await changed.wait()
            finally:
                attending.cancel()
                await asyncio.gather(attending, return_exceptions=True)

    async def _attend(self, version: Routes) -> None:
        work = {"canary": self._canary, "shadow": self._shadow}.get(version.stage)
        while work:
            try:
                await work(version, await trial_of(self.bus, version, self.file()))
                work = None
            except Conflict as error:
                log.info("another core has acted", reason=str(error))
                work = None
            except TurnoutError as error:
                log.error("the roll-out is not watched, trying again", version=version.number, reason=str(error))
            except Exception:  # the boundary: a canary that nobody watches must not go on in silence
                log.exception("the roll-out is not watched, trying again", version=version.number)
            await asyncio.sleep(AGAIN if work else 0)

    async def _canary(self, version: Routes, trial: Trial) -> None:
        canary = Canary(version.share, promised([version], version.limits, trial.new))
        met, ready, pace = 0, False, version.pace
        async with aclosing(self._turns(version)) as turns:
            async for turn in turns:
                met += trial.show(canary, turn) and turn.routes == version.number
                EVIDENCE.set(canary.worst)
                long_enough = met >= pace.turns and turn.at - version.at >= pace.seconds
                ready = long_enough and canary.worst < pace.calm
                if canary.breach or ready:
                    break
        if canary.breach:
            await self._take_back(version, trial.before, canary.breach)
        elif ready:
            await self._grow(version, met)

    async def _take_back(self, version: Routes, before: Routes, breach: str) -> None:
        note = f"rolled back from {version.number}: {breach}"
        at, sick = self.clock(), version.number
        back = Routes(number=0, routes=before.routes, before=before.before, sick=sick, at=at, by=BY, note=note)
        made = await versions.add(self.bus, back, after=version.number)
        ROLLBACKS.inc()
        log.error("canary rolled back", version=version.number, now=made.number, breach=breach)

    async def _grow(self, version: Routes, met: int) -> None:
        share = version.pace.after(version.share)
        note = f"from {version.share:.0%} to {share:.0%}: {met} turns of canaries without a breach"
        grown = replace(version, share=share, stage="full" if share == 1.0 else "canary", at=self.clock(), by=BY, note=note)
        made = await versions.add(self.bus, grown, after=version.number)
        log.info("canary grows", version=made.number, share=share)

    async def _shadow(self, version: Routes, trial: Trial) -> None:
        asked = 0
        async with aclosing(self._turns(version)) as turns:
            async for turn in turns:
                if track := trial.shadowed(turn):
                    asked += 1
                    await self._ask_again(version, turn, track)
                if asked >= MOST_SHADOWS:
                    return

    async def _ask_again(self, version: Routes, turn: Turn, track: str) -> None:
        """Put a turn's question to a track, on a lane and a channel that nobody reads; once, whoever asks."""
        id = shadow_id(version, turn.id)
        lane = hashlib.sha256(id.encode()).hexdigest()[:20]
        if await self.bus.last("IN", keys.into(keys.EVALUATION, lane)):
            return
        event = Event(
            id=id,
            channel=keys.EVALUATION,
            lane=lane,
            text=turn.asked,
            author=turn.author,
            at=self.clock(),
            group=None,
            track=track,
            intent=turn.intent,
        )
        await self.bus.publish(keys.into(keys.EVALUATION, lane), encode(event), id=id)
        SHADOWS.inc()

    async def _turns(self, version: Routes) -> AsyncGenerator[Turn]:
        """The log since the roll-out began, and on."""
        async with self.bus.follow("LOG", "log.>", version.log) as stored:
            async for message in stored:
                try:
                    yield decode(Turn, message.data)
                except RecordError as error:
                    log.error("a turn that cannot be read is left out of the roll-out", seq=message.seq, reason=str(error))
