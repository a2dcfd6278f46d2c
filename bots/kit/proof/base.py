"""What every channel promises."""

from collections.abc import Awaitable, Callable

from bots.kit.contract import REPEAT
from bots.kit.proof.rig import Failed, Rig, answer, deliver, only, squeezed
from bots.kit.split import units
from core.errors import RateLimited
from core.records import Citation, Event, Receipt, decode, encode

MARKDOWN = {
    "heading": "# Heading of it",
    "emphasis": "**bold** and *italic* and ~~struck~~ and ***both***",
    "code": "a `piece` of code",
    "code block": "```py\nif a < b and c > d:\n    pass\n```",
    "link": "see [the page](https://shop.example/?a=1&b=2)",
    "list": "- one\n- two\n  1. nested\n  2. list",
    "quote": "> somebody said\n> this",
    "table": "| bike | price |\n|---|---|\n| red | 100 |",
    "rule": "above\n\n---\n\nbelow",
    "image": "![a photo](https://shop.example/p.png)",
    "raw HTML": "<script>alert(1)</script> & <b>bold</b>",
    "unfinished": "**never closed and `neither is this",
    "other scripts": "שלום 你好 مرحبا 👩‍🚀🇩🇪",
    "citation": "ninety days [1]",
}
CITED = (Citation(n=1, source="returns.md", title="Returns", url="https://shop.example/returns", quote="90 days"),)


async def ids_and_lanes(rig: Rig) -> None:
    """The same act has the same id each time, another act another; a conversation is one lane and tells nobody's name."""
    first, again = only(rig, rig.message("hi")), only(rig, rig.message("hi"))
    second, elsewhere = only(rig, rig.message("hi", number=2)), only(rig, rig.message("hi", conversation="b"))
    _hold(first.id == again.id, "the same update gave two event ids")
    _hold(first.id != second.id, "two updates gave one event id")
    _hold(first.lane == second.lane, "two messages of one conversation are in two lanes")
    _hold(first.lane != elsewhere.lane, "two conversations share a lane")
    _hold(first.channel == rig.channel.manifest.id, f"the event names channel {first.channel!r}")
    _hold(first.text == "hi", f"the text became {first.text!r}")
    _hold(decode(Event, encode(first)) == first, "the event does not survive its encoding")


async def order(rig: Rig) -> None:
    """Turns of a lane are shown in the order of the log."""
    await deliver(rig, *(answer(rig, f"answer {number}", number=number) for number in range(1, 5)))
    _hold(rig.shown() == [f"answer {number}" for number in range(1, 5)], f"shown was {rig.shown()}")


async def long_text(rig: Rig) -> None:
    """An answer of any length is shown whole, in messages within the limits."""
    limits = rig.channel.manifest.limits
    text = "\n\n".join(f"Paragraph {n} says something. " * 8 for n in range(2 * limits.text // 200))
    turn = answer(rig, text)
    messages = rig.channel.render(turn)
    for message in messages:
        length = units(message.plain, limits.unit)
        _hold(length <= limits.text, f"a message of {length} is longer than the limit of {limits.text}")
    _hold(len(messages) > 1, "twice the limit became one message")
    _hold(len({message.id for message in messages}) == len(messages), "two messages of a turn share an id")
    for message in messages:
        await rig.channel.deliver(message)
    _hold(squeezed("".join(rig.shown())) == squeezed(text), "what was shown is not all of the answer")


async def every_markdown_construct(rig: Rig) -> None:
    """Each construct is taken by the platform in the channel's own form, not only in the plain fallback."""
    for place, (name, text) in enumerate(MARKDOWN.items(), 1):
        turn = answer(rig, text, number=place, citations=CITED)
        for message in rig.channel.render(turn):
            try:
                await rig.channel.deliver(message)
            except Exception as error:
                raise Failed(f"{name}: {type(error).__name__}: {error}") from error
        words = [word for word in ("bold", "piece", "pass", "nested", "red", "below", "closed", "你好", "days") if word in text]
        _hold(all(word in "".join(rig.shown()) for word in words), f"{name}: words are missing")


async def own_echo(rig: Rig) -> None:
    """What the bot said itself is no event."""
    _hold(rig.channel.parse(rig.echo()) == [], "the bot heard itself")


async def rate_limit(rig: Rig) -> None:
    """A rate limit is told with its wait, and nothing is lost to it."""
    message = rig.channel.render(answer(rig, "answer"))[0]
    rig.fault("rate limit")
    try:
        await rig.channel.deliver(message)
    except RateLimited as error:
        _hold(error.after > 0, "the wait is not told")
    else:
        raise Failed("a rate limit was not raised as RateLimited")
    await rig.channel.deliver(message)
    _hold(rig.shown() == ["answer"], f"shown was {rig.shown()}")


async def refusal(rig: Rig) -> None:
    """A refused form reaches the person as plain text."""
    rig.fault("refused")
    await deliver(rig, answer(rig, "answer"))
    _hold(rig.shown() == ["answer"], f"shown was {rig.shown()}")


async def lost_reply(rig: Rig) -> None:
    """A send whose reply was lost is never repeated unmarked."""
    rig.fault("lost reply")
    await deliver(rig, answer(rig, "answer"))
    _hold(rig.shown() == _after_doubt(rig), f"shown was {rig.shown()}")


async def crash_around_a_send(rig: Rig) -> None:
    """A process that died between a send and its receipt leaves one message, or one and a marked repeat."""
    turn = answer(rig, "answer")
    await rig.channel.deliver(rig.channel.render(turn)[0])
    await deliver(rig, turn, before=Receipt(turn=turn.id, upto=1, state="intent"))
    _hold(rig.shown() == _after_doubt(rig), f"shown was {rig.shown()}")


async def crash_before_a_send(rig: Rig) -> None:
    """A process that died between an intent and its send loses nothing."""
    turn = answer(rig, "answer")
    await deliver(rig, turn, before=Receipt(turn=turn.id, upto=1, state="intent"))
    _hold([text.removeprefix(REPEAT) for text in rig.shown()] == ["answer"], f"shown was {rig.shown()}")


def _after_doubt(rig: Rig) -> list[str]:
    exact = "reconcile" in rig.channel.manifest.capabilities
    return ["answer"] if exact else ["answer", f"{REPEAT}answer"]


def _hold(true: bool, otherwise: str) -> None:
    if not true:
        raise Failed(otherwise)


PROOFS: dict[str, Callable[[Rig], Awaitable[None]]] = {
    proof.__name__.replace("_", " "): proof
    for proof in (
        ids_and_lanes,
        order,
        long_text,
        every_markdown_construct,
        own_echo,
        rate_limit,
        refusal,
        lost_reply,
        crash_around_a_send,
        crash_before_a_send,
    )
}
