"""The command line, as people type it."""

import json
import os
import signal
import subprocess
import sys

import click
import pytest
import structlog
from click.testing import CliRunner

from core.cli import cli, found
from core.errors import ConfigError
from core.logs import secrets_of
from core.settings import load
from tests.fakes.stage import Stage


@pytest.fixture
async def stage(tmp_path):
    stage = Stage(tmp_path, wrong="misconfigured", broken="broken", several="several", leaky="leaky")
    yield stage
    await stage.close()


def test_help_lists_every_command_with_a_line_about_it():
    said = CliRunner().invoke(cli, ["--help"]).output
    for name in ("serve", "up", "check", "dead"):
        (line,) = (line for line in said.splitlines() if line.split()[:1] == [name])
        assert len(line.split()) > 3


def test_arithmetic_stays_on_one_thread_unless_the_environment_says_otherwise():
    """Threads that wait for each other on shared cores made one decision in twenty take ten times as long."""
    script = (
        "import core.cli, os, numpy; numpy.ones((900, 900)) @ numpy.ones((900, 900)); print(len(os.listdir('/proc/self/task')))"
    )
    plain = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    for more, threads in (({}, 1), ({"OPENBLAS_NUM_THREADS": "2"}, 2)):
        told = subprocess.run([sys.executable, "-c", script], env=plain | more, capture_output=True, text=True, check=True)
        assert int(told.stdout) == min(threads, os.cpu_count() or 1)


def test_help_imports_none_of_the_commands():
    before = set(sys.modules)
    CliRunner().invoke(cli, ["--help"])
    imported = set(sys.modules) - before
    assert not imported & {point.module for point in found("turnout.commands").values()}


def test_commands_that_do_not_exist_yet_are_not_listed():
    assert not {"erase", "export"} & set(found("turnout.commands"))


def test_an_unknown_command_is_a_usage_error():
    result = CliRunner().invoke(cli, ["fly"])
    assert result.exit_code == 2
    assert "fly" in result.output


def test_what_a_command_logs_is_no_part_of_its_output(monkeypatch):
    @click.command()
    def talk() -> None:
        structlog.get_logger().warning("trouble")
        click.echo("the answer")

    monkeypatch.setitem(cli.commands, "talk", talk)
    result = CliRunner().invoke(cli, ["talk"])
    assert result.stdout == "the answer\n"
    assert "trouble" in result.stderr


async def test_serving_nonsense_names_what_is_known(stage):
    running = await stage.start("serve", "nonsense")
    assert await running.ended() == 2
    assert "nonsense" in running.said
    for name in ("core", "retrieval", "web", "servers", "telegram", "slack", "console"):
        assert name in running.said


async def test_a_signal_stops_a_service_cleanly(stage):
    for number in (signal.SIGINT, signal.SIGTERM):
        running = await stage.start("serve", "quiet")
        await running.until("started")
        running.send(number)
        assert await running.ended() == 0
        assert "Traceback" not in running.said


async def test_a_wrong_configuration_is_one_message_and_no_traceback(stage):
    running = await stage.start("serve", "wrong")
    assert await running.ended() == 1
    assert running.lines[-1] == "Error: SHOP_TOKEN is missing: set it"
    assert "Traceback" not in running.said


async def test_a_wrong_configuration_inside_a_task_group_is_the_same_message(stage):
    running = await stage.start("serve", "several")
    assert await running.ended() == 1
    assert running.lines[-1] == "Error: SHOP_TOKEN is missing: set it"


async def test_a_bug_keeps_its_traceback_as_text_and_as_json(stage):
    for kind in ("text", "json"):
        running = await stage.start("serve", "broken", TURNOUT_LOG=kind)
        assert await running.ended() == 1
        assert "Traceback" in running.said
        assert "ZeroDivisionError: a bug" in running.said
    assert "a bug" in json.loads(running.lines[-1])["exception"]


async def test_settings_that_are_wrong_are_named_before_anything_runs(stage):
    running = await stage.start("serve", "quiet", TURNOUT_HTTP="nowhere", TURNOUT_LOG="loud")
    assert await running.ended() == 1
    assert "TURNOUT_HTTP: must be HOST:PORT" in running.said
    assert "TURNOUT_LOG: must be json or text" in running.said


async def test_ones_own_channel_runs_by_its_dotted_path(stage):
    running = await stage.start("serve", "stage:Parrot")
    assert await running.ended() == 0
    assert "HOSTED a parrot" in running.said


async def test_a_channel_whose_module_is_missing_says_so(stage):
    running = await stage.start("serve", "no_such_shop.bots:Bot")
    assert await running.ended() == 1
    assert "needs the module no_such_shop" in running.lines[-1]


async def test_a_service_dies_with_the_process_that_started_it(stage):
    running = await stage.start("serve", "quiet", "--parent", "999999")
    assert await running.ended() == 1
    assert "gone" in running.said


async def test_no_secret_reaches_the_log(stage):
    secret = "12345:the-bots-own-token"
    running = await stage.start("serve", "leaky", TELEGRAM_BOT_TOKEN=secret)
    await running.until("old thing")
    assert secret not in running.said
    assert "cannot reach [secret]" in running.said


def test_the_password_of_a_server_counts_as_a_secret():
    given = load(NATS_URL="nats://me:first-password@a:4222,token-in-front@b", REDIS_URL="redis://:third-password@c/0")
    assert set(secrets_of(given)) == {"first-password", "token-in-front", "third-password"}


def test_two_that_make_the_secret_at_the_same_moment_have_the_same_one(tmp_path, monkeypatch):
    given = load(TURNOUT_DATA=tmp_path, TURNOUT_SECRET="")
    link, found = os.link, []

    def while_another_does(*paths):
        monkeypatch.setattr(os, "link", link)
        found.append(given.secret_key())  # with the same process id, as in containers that share the folder
        link(*paths)

    monkeypatch.setattr(os, "link", while_another_does)
    found.append(given.secret_key())
    assert len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_a_secret_file_that_lost_its_content_signs_nothing(tmp_path):
    given = load(TURNOUT_DATA=tmp_path, TURNOUT_SECRET="")
    assert given.secret_key() == given.secret_key() != b""
    (tmp_path / "secret").write_bytes(b"")
    with pytest.raises(ConfigError, match="secret is empty: restore it"):
        given.secret_key()


async def test_a_log_line_has_service_level_time_and_libraries_speak_the_same(stage):
    running = await stage.start("serve", "leaky", TURNOUT_LOG="json", TELEGRAM_BOT_TOKEN="12345:token")
    await running.until("old thing")
    lines = [json.loads(line) for line in running.lines]
    assert all(line["service"] == "leaky" and line["time"].endswith("Z") and line["level"] for line in lines)
    assert [line["logger"] for line in lines if line["level"] == "warning"] == ["some.library", "py.warnings"]
    assert "chatter" not in running.said


@pytest.mark.parametrize("command", ["routes rollback", "ingest status", "eval tracks", "eval retrieval"])
def test_a_command_that_finds_nothing_running_says_what_to_start(command, tmp_path, monkeypatch):
    monkeypatch.setenv("TURNOUT_DATA", str(tmp_path))
    result = CliRunner().invoke(cli, command.split())
    assert result.exit_code == 1
    assert "start it with `turnout up`" in result.output
    assert str(tmp_path) in result.output
