"""A small dialog service for tests of the channels: it reads IN, tells live pieces, and commits a turn to LOG.

What it says depends on the text: `hold` waits for `release` (and every answer, once it is told, for `commits`), `say: …` answers with the rest, everything else gets a fixed
answer with two citations and choices.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from core import keys
from core.bus import Bus
from core.records import Citation, Event, Live, Part, Turn, Usage, decode, encode

ANSWER = """You have **30 days** from delivery to return a bike [1]. It must be *unridden* and in its box:

1. Open **My orders** and choose *Return*.
2. Print the label.
3. Hand the parcel to the carrier.

The refund is on your account within 5 working days [2]. For custom frames this does not apply.

```
RETURN-CODE: PP-2024-00017-A-VERY-LONG-CODE-LINE-THAT-HAS-TO-SCROLL-INSIDE-ITS-OWN-BOX-RATHER-THAN-THE-PAGE
```
"""
CITATIONS = (
    Citation(
        n=1,
        source="policies/returns.md",
        title="Returns and refunds",
        quote="You may return a bike within 30 days of delivery, as long as it has not been ridden.",
    ),
    Citation(
        n=2, source="policies/payments.md", title="Payments", quote="Refunds reach your account within **5 working days**."
    ),
)


@dataclass
class FakeDialog:
    bus: Bus
    pause: float = 0.0
    seen: list[Event] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    commits: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.commits.set()

    async def commit(self, event: Event, text: str, **more: object) -> None:
        last = await self.bus.last("LOG", keys.log("web", event.lane))
        turn = Turn(
            id=event.id,
            channel="web",
            lane=event.lane,
            events=(event.id,),
            upto=1,
            prev=last.seq if last else 0,
            asked=event.text,
            parts=(Part(text=text, choices=("Start a return", "Talk to a person")),),
            intent="returns",
            confidence=0.93,
            track="rag",
            why="2 passages; intent returns at 0.93",
            model="extractive",
            usage=Usage(prompt_tokens=412, completion_tokens=96, estimated=True),
            timings={"memory": 0.8, "intent": 1.2, "search": 4.1, "first": 6.5, "total": 38.0},
            at=time.time(),
        )
        turn = type(turn)(**{name: more.get(name, getattr(turn, name)) for name in turn.__struct_fields__})
        await self.bus.publish(keys.log("web", event.lane), encode(turn), id=event.id)

    async def answer(self, event: Event) -> None:
        self.seen.append(event)
        if event.kind != "message":
            await self.commit(event, "", outcome="noted", parts=())
            return
        await self._live(event, Live(turn=event.id, n=0, state="working"))
        if event.text == "hold":
            await self.release.wait()
        said = event.text.removeprefix("say: ") if event.text.startswith("say: ") else ANSWER
        for n, start in enumerate(range(0, len(said), 24)):
            await self._live(event, Live(turn=event.id, n=n, text=said[start : start + 24]))
            await asyncio.sleep(self.pause)
        await self.commits.wait()
        await self.commit(event, said, citations=CITATIONS if said == ANSWER else ())

    async def _live(self, event: Event, live: Live) -> None:
        await self.bus.emit(keys.live("web", event.lane), encode(live))

    async def run(self, after: int) -> None:
        async with self.bus.follow("IN", "in.web.>", after) as messages:
            async for message in messages:
                await self.answer(decode(Event, message.data))


@asynccontextmanager
async def dialog(bus: Bus, *, pause: float = 0.0) -> AsyncIterator[FakeDialog]:
    fake = FakeDialog(bus, pause)
    last = await bus.last("IN", "in.web.>")
    task = asyncio.create_task(fake.run(last.seq if last else 0))
    try:
        yield fake
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
