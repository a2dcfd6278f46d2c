"""Our channels are proven, and the proof kit notices a channel that promises what it does not keep."""

import io
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from bots.console import Console
from bots.kit.contract import Native
from bots.kit.proof import Rig, failures, prove
from core.errors import Ambiguous, NotSent
from core.records import Event, Turn
from core.settings import load
from tests.bots import proof_rigs
from tests.bots.proof_rigs import ConsoleRig, TelegramRig
from tests.bots.proof_rigs_slack import slack

Make = Callable[[], AbstractAsyncContextManager[Rig]]


@pytest.mark.parametrize("make", [proof_rigs.console, proof_rigs.telegram, slack])
async def test_our_channels_are_proven(make: Make) -> None:
    assert failures(await prove(make)) == []


def rig_with(change: Callable[[ConsoleRig], object]) -> Make:
    @asynccontextmanager
    async def make() -> AsyncIterator[Rig]:
        rig = ConsoleRig()
        change(rig)
        yield rig

    return make


def random_ids(rig: ConsoleRig) -> None:
    honest, count = rig.channel.parse, iter(range(1000))

    def parse(raw: dict[str, Any]) -> list[Event]:
        return honest({**raw, "number": next(count)})

    rig.channel.parse = parse  # type: ignore[method-assign]


def truncates(rig: ConsoleRig) -> None:
    honest = rig.channel.render

    def render(turn: Turn) -> list[Native]:
        return honest(turn)[:1]

    rig.channel.render = render  # type: ignore[method-assign]


def hides_the_mark(rig: ConsoleRig) -> None:
    async def deliver(message: Native) -> str:
        print(message.plain, file=rig.screen, end="\n\n")
        return message.id

    rig.channel.deliver = deliver  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("change", "broken"),
    [(random_ids, "ids and lanes"), (truncates, "long text"), (hides_the_mark, "crash around a send")],
)
async def test_a_broken_promise_is_named(change: Callable[[ConsoleRig], object], broken: str) -> None:
    assert any(failure.startswith(broken) for failure in failures(await prove(rig_with(change))))


class Boastful(Console):
    manifest = replace(Console.manifest, capabilities=frozenset({"typing", "files"}))


def boasts(rig: ConsoleRig) -> None:
    rig.channel = Boastful(load(TURNOUT_SECRET="s"), source=io.StringIO(), screen=rig.screen)


async def test_a_capability_declared_and_not_proven_fails() -> None:
    broken = failures(await prove(rig_with(boasts)))
    assert [failure.split(":")[0] for failure in broken] == ["capability files", "capability typing"]


async def test_a_channel_that_calls_a_lost_reply_unsent_repeats_itself_and_is_found_out() -> None:
    @asynccontextmanager
    async def make() -> AsyncIterator[Rig]:
        async with proof_rigs.telegram() as rig:
            assert isinstance(rig, TelegramRig)
            honest = rig.channel.deliver

            async def deliver(message: Native) -> str:
                try:
                    return await honest(message)
                except Ambiguous as error:
                    raise NotSent(str(error)) from error

            rig.channel.deliver = deliver  # type: ignore[method-assign]
            yield rig

    assert "lost reply: shown was ['answer', 'answer']" in failures(await prove(make))
