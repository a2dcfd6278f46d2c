"""What people wrote and saw in a town, as the oracle's history."""

import asyncio
import itertools
from contextlib import suppress
from dataclasses import dataclass, field

from core.bus import Bus, so_far
from core.errors import Unavailable
from core.records import Receipt, Turn, decode
from tests.bots.web_rig import Talk
from tests.faults.edges.town import Town
from tests.reliability.history import Record, Said, Shown
from tests.reliability.oracle import Verdict, judge


@dataclass
class Diary:
    """`say` notes a question in the order it was accepted; the answers are read off the platforms."""

    town: Town
    said: list[Said] = field(default_factory=list)
    talks: dict[str, Talk] = field(default_factory=dict)
    replies: list[Shown] = field(default_factory=list)
    _tokens: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def token(self) -> str:
        return f"q{next(self._tokens)}"

    def say(self, channel: str, conversation: str, token: str, *, accepted: bool = True) -> None:
        self.said.append(Said(channel, conversation, token, accepted, at=float(len(self.said) + 1)))

    async def session(self) -> Talk:
        """Somebody new on the web page."""
        talk = await self.town.front.session()
        self.talks[talk.session] = talk
        return talk

    async def read_web(self) -> None:
        """What each web page shows, read anew."""
        self.replies.clear()
        for session, talk in self.talks.items():
            async with talk.events() as events:
                self.replies += [Shown("web", session, reply.id, reply.data["text"], at=0.0) for reply in await events.past()]

    def shown(self) -> list[Shown]:
        """What stands on the platforms, and on the web pages when they were last read."""
        telegram = [
            Shown("telegram", str(chat), str(shown.id), shown.text, at=0.0)
            for chat, line in self.town.telegram.chats.items()
            for shown in line
        ]
        slack = [
            Shown("slack", m.channel + m.thread_ts, m.ts, m.shown, at=0.0, growing=m.growing)
            for m in self.town.slack.world.messages
            if m.bot
        ]
        return [*telegram, *slack, *self.replies]

    async def verdict(self, bus: Bus, *, joins: tuple[str, ...] = ()) -> Verdict:
        """Once everything that was accepted is answered and every send has its receipt, or after a while as it then stands."""
        end = asyncio.get_running_loop().time() + 120
        while True:
            late = asyncio.get_running_loop().time() > end
            with suppress(Unavailable):  # a machine so busy that NATS answers late: it is asked again
                if late or not await self._busy(bus):
                    verdict = await self._judged(bus, joins)
                    if late or not (verdict.lost or verdict.half or verdict.unresolved):
                        return verdict
            await asyncio.sleep(0.2)

    async def _judged(self, bus: Bus, joins: tuple[str, ...]) -> Verdict:
        await self.read_web()
        receipts = [(*m.subject.split(".")[1:], decode(Receipt, m.data)) async for m in so_far(bus, "SENT", "sent.>")]
        turns = [(m.seq, decode(Turn, m.data)) async for m in so_far(bus, "LOG", "log.>")]
        history: list[Record] = [*self.said, *self.shown()]
        return judge(history, turns=turns, receipts=receipts, joins=joins)

    async def _busy(self, bus: Bus) -> bool:
        """Whether the core or a channel is not through with what is stored."""
        lines = [("IN", "dialog"), *(("LOG", f"deliver-{name}") for name in ("telegram", "slack"))]
        return any(await asyncio.gather(*(bus.waiting(stream, durable) for stream, durable in lines)))
