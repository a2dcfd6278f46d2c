"""The console: a conversation on standard input and output."""

import asyncio
import io

import pytest
from click.testing import CliRunner

from bots import console
from bots.commands import channel as channel_command
from bots.console import Console
from bots.kit.admission import Admission
from bots.kit.service import host
from core import keys
from core.assistant import ChannelPolicy
from core.bus import Bus
from core.bus_memory import MemoryBus
from core.errors import Unavailable
from core.leases import MemoryLeases
from core.records import Citation, Event, Part, Turn, decode, encode
from core.settings import load


def made(typed: str, screen: io.StringIO) -> Console:
    return Console(load(TURNOUT_SECRET="s"), name="ann", source=io.StringIO(typed), screen=screen)


async def echo(bus: Bus) -> None:
    async with bus.follow("IN", "in.console.*", 0) as messages:
        async for message in messages:
            event = decode(Event, message.data)
            turn = Turn(
                id=event.id,
                channel="console",
                lane=event.lane,
                events=(event.id,),
                upto=message.seq,
                parts=(Part(text=f"**You said** {event.text} [1]", choices=("Yes", "No")),),
                citations=(Citation(n=1, source="faq.md", title="Questions", url="https://a.example"),),
            )
            await bus.publish(keys.log("console", event.lane), encode(turn), id=turn.id)


async def test_what_is_piped_in_is_answered_in_order_and_then_it_ends() -> None:
    bus, screen = MemoryBus(), io.StringIO()
    answering = asyncio.create_task(echo(bus))
    async with asyncio.timeout(45):
        await host(bus, MemoryLeases(), made("one\n\n  two  \n", screen), policy=ChannelPolicy)
    answering.cancel()
    sources = "› [1] Questions (https://a.example)\n[Yes]  [No]"
    assert screen.getvalue() == f"You said one [1]\n\n{sources}\n\nYou said two [1]\n\n{sources}\n\n"


async def test_when_nobody_answers_it_says_what_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "PATIENCE", 0.05)
    with pytest.raises(Unavailable, match="turnout up"):
        await made("hello?\n", io.StringIO()).run(Admission(MemoryBus(), lambda: 1000))


async def test_a_name_is_a_conversation() -> None:
    channel = made("", io.StringIO())
    ann, bob = (channel.parse({"name": name, "session": "s", "number": 1, "text": "hi"})[0] for name in ("ann", "bob"))
    assert ann.lane != bob.lane


def test_the_proof_kit_runs_from_the_command_line() -> None:
    result = CliRunner().invoke(channel_command, ["prove", "tests.bots.proof_rigs:console"])
    assert result.exit_code == 0, result.output
    assert "proven  long text" in result.output


def test_a_rig_that_does_not_exist_is_named() -> None:
    result = CliRunner().invoke(channel_command, ["prove", "tests.bots.proof_rigs:nothing"])
    assert result.exit_code == 2
    assert "nothing" in result.output
