"""What a proof works with: a channel on a double of its platform."""

import asyncio
from typing import Any, Literal

from bots.kit.contract import Channel
from bots.kit.delivery import Delivery
from bots.kit.pace import Pace
from bots.kit.preview import Previews
from bots.kit.service import line
from bots.kit.standing import Standing
from core import keys
from core.assistant import ChannelPolicy
from core.bus_memory import MemoryBus
from core.lanes import Lanes
from core.leases import MemoryLeases
from core.records import Event, HookRequest, Part, Receipt, Turn, decode, encode

Fault = Literal["lost reply", "rate limit", "refused"]
SECONDS = 20.0


class Failed(Exception):
    """A promise is broken: the message says which."""


class NotSupplied(Exception):
    """The rig lacks what a declared capability is proven with."""


class NotApplicable(Exception):
    """The platform cannot get into that situation."""


class Rig:
    """Subclass it for your channel. The first four methods are needed by every channel, `fault` by every real platform, the
    rest by the capability they are named for."""

    channel: Channel

    def message(self, text: str, *, number: int = 1, conversation: str = "a") -> dict[str, Any]:
        """The native update of a person's message: the same arguments, the same act."""
        raise NotSupplied("message()")

    def echo(self) -> dict[str, Any]:
        """The native update with which the platform tells the bot of its own message; NotApplicable where it does not."""
        raise NotSupplied("echo()")

    def shown(self) -> list[str]:
        """What a person sees in conversation `a`, message by message, as it stands now."""
        raise NotSupplied("shown()")

    def fault(self, kind: Fault) -> None:
        """Make the next send fail so; a lost reply means: the message is shown. NotApplicable where it cannot happen."""
        raise NotSupplied("fault()")

    def previews(self) -> list[str]:
        """Capability `stream`: every state of a preview that was shown."""
        raise NotSupplied("previews()")

    def typed(self) -> int:
        """Capability `typing`: how often the sign was given."""
        raise NotSupplied("typed()")

    def hook(self, update: dict[str, Any], *, genuine: bool) -> HookRequest:
        """Capability `hook`: the webhook call with this update, or one that somebody forged."""
        raise NotSupplied("hook()")

    def file(self) -> dict[str, Any]:
        """Capability `files`: the native update of a file somebody sent."""
        raise NotSupplied("file()")

    def press(self, label: str) -> dict[str, Any]:
        """Capability `buttons`: the native update of a tap on what is shown."""
        raise NotSupplied("press()")

    def group(self) -> list[dict[str, Any]]:
        """Capability `members`: the native updates of a message of each of two people, who with the bot are all of a group."""
        raise NotSupplied("group()")

    def leave(self) -> None:
        """Capability `members`: the second of the two leaves."""
        raise NotSupplied("leave()")

    def rate(self, turn: Turn) -> dict[str, Any]:
        """Capability `feedback`: the native update of a thumb up for a turn that is shown."""
        raise NotSupplied("rate()")


def only(rig: Rig, raw: dict[str, Any]) -> Event:
    """The one event of an update."""
    events = rig.channel.parse(raw)
    if len(events) != 1:
        raise Failed(f"an update meant as one act became {len(events)} events")
    return events[0]


def answer(rig: Rig, text: str, *, number: int = 1, **fields: Any) -> Turn:
    """A turn that answers the rig's message of that number."""
    event = only(rig, rig.message("question", number=number))
    parts = fields.pop("parts", (Part(text=text),))
    base: dict[str, Any] = {"id": event.id, "channel": event.channel, "lane": event.lane, "address": event.address}
    return Turn(**base, events=(event.id,), upto=number, parts=parts, **fields)


async def deliver(rig: Rig, *turns: Turn, before: Receipt | None = None) -> Receipt:
    """Carry turns of one lane out as the kit does, from a log and a last receipt; the final receipt."""
    bus, leases, pace = MemoryBus(), MemoryLeases(), Pace(rig.channel.manifest.limits)
    name, lane = turns[0].channel, turns[0].lane
    if before is not None:
        await bus.publish(keys.sent(name, lane), encode(before), id="before")
    for turn in turns:
        last = (await bus.publish(keys.log(name, lane), encode(turn), id=turn.id)).seq
    previews = Previews(rig.channel, leases, pace, streams=lambda: True, standing=Standing(bus, name))
    work = Delivery(rig.channel, ChannelPolicy, pace, previews)
    running = asyncio.create_task(Lanes(bus, leases, line(name), work=work.work, give_up=work.give_up, grace=0.1).run())
    try:
        async with asyncio.timeout(SECONDS):
            return await _finished(bus, keys.sent(name, lane), last)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _finished(bus: MemoryBus, subject: str, seq: int) -> Receipt:
    while True:
        stored = await bus.last("SENT", subject)
        receipt = decode(Receipt, stored.data) if stored else None
        if receipt and receipt.upto == seq and receipt.state in ("done", "dropped"):
            return receipt
        await asyncio.sleep(0.01)


def squeezed(text: str) -> str:
    return "".join(text.split())
