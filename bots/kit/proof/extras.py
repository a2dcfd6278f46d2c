"""What a channel promises with each capability it declares."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from msgspec.structs import replace

from bots.kit.contract import Capability, Hooks, Knows, Piece, Reconciles, Streams, Typing
from bots.kit.proof.rig import Failed, Rig, answer, only
from core.audience import MembersRequest
from core.errors import Ambiguous, TurnoutError, Unavailable
from core.records import Event, Part

STALE = 5.0  # seconds after which what a channel remembers of a group must not count any more


async def edit(rig: Rig) -> None:
    """A message is replaced by its edit, and the same edit twice is one."""
    first, second = (rig.channel.render(answer(rig, text))[0] for text in ("half an", "half an answer"))
    number = await rig.channel.deliver(first)
    for _ in range(2):
        await rig.channel.deliver(replace(second, edits=number))
    _hold(rig.shown() == ["half an answer"], f"shown was {rig.shown()}")


async def stream(rig: Rig) -> None:
    """A growing answer is seen growing, and what is left in the end is the answer alone."""
    turn = answer(rig, "half an answer")
    shown = ""
    for text in ("half", "half an"):
        shown = await cast(Streams, rig.channel).show(Piece(turn=turn.id, text=text, address=turn.address), shown)
    _hold(len(rig.previews()) == 2, f"{len(rig.previews())} states of the preview were seen, not 2")
    _hold("half an answer" not in rig.previews(), "a preview looks like the whole answer")
    await rig.channel.deliver(replace(rig.channel.render(turn)[0], edits=shown))
    _hold(rig.shown() == ["half an answer"], f"shown was {rig.shown()}")


async def typing(rig: Rig) -> None:
    await cast(Typing, rig.channel).typing(answer(rig, "").address)
    _hold(rig.typed() > 0, "no sign was seen")


async def reconcile(rig: Rig) -> None:
    """After a lost reply the message is found; one that was never sent is not."""
    message, never = (rig.channel.render(answer(rig, "answer", number=number))[0] for number in (1, 2))
    rig.fault("lost reply")
    try:
        await rig.channel.deliver(message)
    except Ambiguous:
        pass
    else:
        raise Failed("a lost reply was not raised as Ambiguous")
    channel = cast(Reconciles, rig.channel)
    _hold(await channel.find(message) != "", "a message that is shown was not found")
    _hold(await channel.find(never) == "", "a message that was never sent was found")


async def hook(rig: Rig) -> None:
    """A genuine call is stored, then answered with 2xx; while nothing can be stored it is not; a forged one stores nothing."""
    channel, raw = cast(Hooks, rig.channel), rig.message("hi")
    stored: list[Event] = []

    async def store(event: Event) -> None:
        stored.append(event)

    async def full(event: Event) -> None:
        raise Unavailable

    try:
        status = (await channel.hook(rig.hook(raw, genuine=True), full)).status
    except TurnoutError:
        status = 503
    _hold(status >= 500, f"a call that could not be stored was answered with {status}")
    forged = await channel.hook(rig.hook(raw, genuine=False), store)
    _hold(400 <= forged.status < 500 and not stored, f"a forged call was answered with {forged.status}")
    taken = await channel.hook(rig.hook(raw, genuine=True), store)
    _hold(taken.status < 300 and [event.text for event in stored] == ["hi"], f"a genuine call got {taken.status}: {stored}")


async def files(rig: Rig) -> None:
    event = only(rig, rig.file())
    _hold(any(file.ref for file in event.attachments), "the event does not say where the file can be fetched")


async def buttons(rig: Rig) -> None:
    """A choice that is tapped comes back as its words."""
    turn = answer(rig, "", parts=(Part(text="Which?", choices=("The red one", "ü" * 40)),), outcome="clarify")
    for message in rig.channel.render(turn):
        await rig.channel.deliver(message)
    for label in ("The red one", "ü" * 40):
        event = only(rig, rig.press(label))
        _hold((event.kind, event.text) == ("button", label), f"the tap became {event.kind} {event.text!r}")
        _hold(event.lane == turn.lane, "the tap is in another lane")


async def feedback(rig: Rig) -> None:
    """A thumb names the turn it is about."""
    turn = answer(rig, "answer", track="rag")
    for message in rig.channel.render(turn):
        await rig.channel.deliver(message)
    event = only(rig, rig.rate(turn))
    _hold((event.kind, event.target) == ("feedback", turn.id), f"the thumb became {event.kind} about {event.target!r}")
    _hold(event.text == "up", f"a thumb up became {event.text!r}")


async def members(rig: Rig) -> None:
    """Everyone in a group is named as the author of what they write there, the bot is not, and who leaves is soon gone."""
    first, second = (only(rig, raw) for raw in rig.group())
    _hold(
        bool(first.group) and first.group == second.group,
        f"the group is {first.group!r} for one, {second.group!r} for the other",
    )
    asked = MembersRequest(account=first.account, group=str(first.group))
    channel = cast(Knows, rig.channel)
    people = (await channel.members(asked)).people
    _hold(set(people or ()) == {first.author, second.author}, f"the members are {people}")
    rig.leave()
    await asyncio.sleep(STALE)
    people = (await channel.members(asked)).people
    _hold(people == (first.author,), f"{STALE:g} seconds after one of two has left, the members are {people}")


def _hold(true: bool, otherwise: str) -> None:
    if not true:
        raise Failed(otherwise)


PROOFS: dict[Capability, Callable[[Rig], Awaitable[None]]] = {
    "edit": edit,
    "stream": stream,
    "typing": typing,
    "reconcile": reconcile,
    "hook": hook,
    "files": files,
    "buttons": buttons,
    "feedback": feedback,
    "members": members,
}
