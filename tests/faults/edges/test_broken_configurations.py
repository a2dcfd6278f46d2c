"""Fifty configurations that cannot work: `turnout check` finds each, and nothing starts with one; key and fix are named."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from core import checks, embedded, settings
from core.cli import cli
from core.errors import ConfigError
from tests.fakes.ports import free_port
from tests.fakes.stage import Stage
from tests.faults.edges.configurations import FILES, GOOD, VARIABLES

LATER = {"a track that cannot run", "a model without a server"}  # seen by the core itself, when it starts


@pytest.fixture
def configure(tmp_path: Path, monkeypatch):
    """Sets up one of the configurations; returns the words that must be said of it."""

    def configure(kind: str) -> tuple[str, ...]:
        (tmp_path / "assistant.toml").write_text(GOOD)
        here = {"TURNOUT_DATA": str(tmp_path / "data"), "TURNOUT_ASSISTANT": str(tmp_path / "assistant.toml")}
        given: dict[str, str] = {}
        if kind in FILES:
            text, words = FILES[kind]
            (tmp_path / "assistant.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        else:
            given, words = VARIABLES[kind]
        for name, value in (here | {"TURNOUT_HTTP": f"127.0.0.1:{free_port()}"} | given).items():
            monkeypatch.setenv(name, value)
        return words

    return configure


@pytest.mark.parametrize("kind", [*FILES, *VARIABLES])
def test_the_check_names_what_is_wrong_and_how_to_mend_it(configure, kind: str) -> None:
    words = configure(kind)
    result = CliRunner().invoke(cli, ["check"])
    assert result.exit_code == 1, result.output
    found = [line for line in result.output.splitlines() if not line.startswith(("✓", "–"))]
    assert all(word in "\n".join(found) for word in words), found


async def start() -> None:
    """What `turnout up` asks of the configuration before it starts anything of its own."""
    loaded = settings.load()
    await checks.before_start(loaded)
    async with embedded.servers(loaded):
        pass


@pytest.mark.parametrize("kind", sorted({*FILES, *VARIABLES} - LATER))
def test_nothing_is_started_with_it_and_the_same_is_said(configure, kind: str) -> None:
    words = configure(kind)
    with pytest.raises(ConfigError) as refused:
        asyncio.run(start())
    assert all(word in str(refused.value) for word in words), refused.value


@pytest.fixture
async def stage(tmp_path: Path):
    (tmp_path / "stage").mkdir()
    stage = Stage(tmp_path / "stage", core="idle")
    yield stage
    await stage.close()


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("up", "an unknown key"),
        ("up", "NATS away"),
        ("serve web", "a port beyond all ports"),
        ("serve telegram", "a token that is none"),
        ("serve core", "a track that cannot run"),
        ("serve core", "a model without a server"),
    ],
)
async def test_the_command_ends_by_itself_and_says_the_same(servers, stage, tmp_path, command: str, kind: str) -> None:
    """With the real services: the stage's own are announced, but not on the path."""
    text, words = FILES.get(kind, (GOOD, ()))
    given, more = VARIABLES.get(kind, ({}, ()))
    (stage.folder / "assistant.toml").write_text(str(text))
    where = {} if command == "up" else {"NATS_URL": servers.nats_url, "REDIS_URL": servers.redis_url}
    running = await stage.start(*command.split(), **{"PYTHONPATH": ""} | where | given)
    assert await running.ended() == 1
    assert all(word in running.said for word in (*words, *more)), running.said
    assert "Traceback" not in running.said
