"""`turnout up` with real servers and real processes; only the services are throw-away ones."""

import asyncio
import io
import os
import re
import signal
import socket
import sys

import pytest
from click.testing import CliRunner

from core.children import Child
from core.cli import cli
from core.logs import Merged
from core.settings import load
from core.supervisor import services
from tests.fakes.stage import Stage

READY = "Turnout is ready: http://127.0.0.1:{}/"


@pytest.fixture
async def stage(tmp_path):
    stage = Stage(tmp_path, wrong="misconfigured", stubborn="stubborn", telling="environment")
    yield stage
    await stage.close()


async def test_up_starts_everything_says_where_the_page_is_and_ctrl_c_leaves_nothing(stage):
    running = await stage.start("up", "--workers", "2")
    await running.until(READY.format(stage.port))
    names = sorted(
        match[1] for command in stage.processes().values() if (match := re.search(r"(?:serve )(\w+) --parent", command))
    )
    assert names == ["core", "core", "retrieval", "web"]
    stage.find("nats-server")
    stage.find("valkey-server")
    running.send(signal.SIGINT)
    assert await running.ended() == 0
    assert stage.processes() == {}
    assert sum(READY.format(stage.port) in line for line in running.lines) == 1
    assert not (stage.data / "servers.json").exists()
    stopped = [line.split()[0] for line in running.lines if "stopped" in line]
    assert stopped[0] == "web"
    assert stopped[-1] == "retrieval"


async def test_an_interrupt_is_heeded_where_a_script_started_up_in_its_background(stage):
    """There the shell has SIGINT ignored, and the process inherits that."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        running = await stage.start("up")
    finally:
        signal.signal(signal.SIGINT, before)
    await running.until(READY.format(stage.port))
    running.send(signal.SIGINT)
    assert await running.ended() == 0
    assert stage.processes() == {}


async def test_what_dies_comes_back_a_server_too(stage):
    running = await stage.start("up")
    await running.until(READY.format(stage.port))
    for name in ("serve retrieval", "valkey-server"):
        dead = stage.find(name)
        os.kill(dead, signal.SIGKILL)
        async with asyncio.timeout(45):
            while dead in (alive := stage.processes()) or not any(name in command for command in alive.values()):
                await asyncio.sleep(0.05)
    assert "killed by SIGKILL" in running.said


class Gone(io.StringIO):
    """A pipe whose reader has ended."""

    def flush(self) -> None:
        raise BrokenPipeError


async def test_a_log_that_nobody_reads_any_more_stops_no_child(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Gone())
    talk = "for _ in range(4000): print('a line of which nobody takes notice')"
    child = Child("talker", [sys.executable, "-c", talk], os.environ, Merged(load(), ["talker"]))
    keeping = asyncio.create_task(child.keep())
    async with asyncio.timeout(45):
        while child.process is None or child.process.returncode is None:
            await asyncio.sleep(0.01)
    await child.stop(1)
    await keeping
    assert child.process.returncode == 0


async def test_nothing_outlives_an_up_that_is_killed(stage):
    running = await stage.start("up")
    await running.until(READY.format(stage.port))
    running.send(signal.SIGKILL)
    await stage.empty()


async def test_a_second_ctrl_c_kills_at_once_even_what_will_not_stop(stage):
    running = await stage.start("up", "stubborn")
    await running.until("a child of its own")
    running.send(signal.SIGINT)
    await running.until("will not stop")
    running.send(signal.SIGINT)
    assert await running.ended() == 130
    await stage.empty()


async def test_the_services_learn_where_everything_is(stage):
    running = await stage.start("up", "telling", TURNOUT_DATA=os.path.relpath(stage.data))
    told = (await running.until("ENV")).split()
    data, nats, redis, started = told[told.index("ENV") + 1 :]
    assert os.path.isabs(data)
    assert os.path.samefile(data, stage.data)
    assert nats.startswith("nats://127.0.0.1:")
    assert redis.startswith("redis://127.0.0.1:")
    assert started == "core,retrieval,web,telling"


async def test_a_child_that_cannot_start_stops_everything_and_its_error_is_repeated(stage):
    running = await stage.start("up", "wrong")
    assert await running.ended() == 1
    assert running.lines[-2:] == ["Error: wrong cannot start:", "SHOP_TOKEN is missing: set it"]
    assert stage.processes() == {}


async def test_a_taken_port_is_refused_before_anything_starts(stage):
    with socket.create_server(("127.0.0.1", stage.port)):
        running = await stage.start("up")
        assert await running.ended() == 1
    assert f"TURNOUT_HTTP 127.0.0.1:{stage.port} is taken" in running.said
    assert not stage.data.exists()


async def test_a_broken_assistant_file_is_refused_before_anything_starts(stage):
    (stage.folder / "assistant.toml").write_text('[assistant]\nname = "x"\ndefault_route = ["prompt"]\ncolour = "red"\n')
    running = await stage.start("up")
    assert await running.ended() == 1
    assert "assistant.toml:4: assistant.colour: unknown key" in running.said
    assert not stage.data.exists()


def test_an_unknown_name_is_a_usage_error_that_lists_the_known():
    result = CliRunner().invoke(cli, ["up", "nonsense"])
    assert result.exit_code == 2
    assert "retrieval" in result.output


def test_channels_start_when_their_tokens_are_set():
    assert services(load()) == ["core", "retrieval", "web"]
    both = load(TELEGRAM_BOT_TOKEN="1:x", SLACK_BOT_TOKEN="xoxb-1")
    assert services(both, ["web", "extra"]) == ["core", "retrieval", "web", "telegram", "slack", "extra"]
