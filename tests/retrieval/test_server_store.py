"""The running service with its passages on a Qdrant server: moved there by command, honest when that is away."""

import asyncio
import dataclasses

import pytest

from core.errors import ConfigError
from core.probes import passages
from core.settings import load
from tests.retrieval.rig import until


@pytest.fixture
def remote(rig, server, monkeypatch):
    monkeypatch.setattr("retrieval.following.AGAIN", 0.2)
    monkeypatch.setattr("retrieval.service.RETRY", 0.2)
    monkeypatch.setattr("retrieval.relocation.RETRY", 0.2)
    monkeypatch.setattr("retrieval.stores.rest.PAUSES", (0.01, 0.01))
    return dataclasses.replace(rig, settings=rig.settings.model_copy(update={"qdrant_url": server.url}))


async def test_moved_by_command_and_back_while_it_serves(rig, remote, server):
    async with rig.serving():
        pass
    async with remote.serving():
        assert (await remote.status()).store == "in this process"
        moved = await remote.command("move", "server")
        told = f"all passages are on the Qdrant server at 127.0.0.1:{server.port}, and searched there\n"
        assert (moved.exit_code, moved.stdout.endswith(told)) == (0, True)
        assert await remote.found("send a bike back") == ["knowledge/returns.md"]
        assert server.asked[-1][1].startswith("/collections/turnout-")
        remote.write("knowledge/moon.md", "The moon garden opens at seven.")
        await until(lambda: shows(remote, "moon garden", "knowledge/moon.md"))
        assert "in this process" in (await remote.command("move", "embedded")).stdout
        assert await remote.found("moon garden") == ["knowledge/moon.md"]
        assert server.collections == {}
    wrong = await remote.command("move", "cellar")
    assert wrong.exit_code != 0


async def shows(rig, query, source):
    return source in await rig.found(query)


async def test_a_server_that_is_away_is_told_and_what_changed_meanwhile_is_read_when_it_is_back(remote, server):
    async with remote.serving():
        server.stop()
        told = f"the Qdrant server at 127.0.0.1:{server.port} does not answer"
        result = await remote.search("send a bike back")
        assert (result.passages, told in result.error) == ((), True)
        remote.write("knowledge/moon.md", "The moon garden opens at seven.")
        assert told in (await remote.status()).trouble
        health = await remote.health()
        assert (health.ready, told in health.detail) == (False, True)
        assert "NOTHING CAN BE FOUND NOW" in (await remote.command("status")).stdout
        server.start()
        await until(lambda: shows(remote, "moon garden", "knowledge/moon.md"))
        assert await remote.found("send a bike back") == ["knowledge/returns.md"]


async def test_a_server_that_lost_everything_is_filled_again_from_the_texts(remote, server):
    async with remote.serving():
        (name,) = server.collections
        server.collections.pop(name).remove()
        assert "doesn't exist" in (await remote.search("send a bike back")).error
        await until(remote.is_ready)
        assert await remote.found("send a bike back") == ["knowledge/returns.md"]


async def test_it_waits_for_a_server_that_starts_later(remote, server):
    server.stop()
    asyncio.get_running_loop().call_later(0.5, server.start)
    async with remote.serving():
        assert await remote.found("send a bike back") == ["knowledge/returns.md"]


async def test_errors_of_the_server_in_the_middle_of_an_ingest_are_gone_over(remote, server):
    async with remote.serving():
        server.next(*[503] * 9)
        remote.write("knowledge/moon.md", "The moon garden opens at seven.")
        await until(lambda: shows(remote, "moon garden", "knowledge/moon.md"))


@pytest.mark.parametrize(
    ("setting", "key", "said"),
    [
        ("", "", "in the retrieval service"),
        ("{url}", "right", "a Qdrant server answers"),
        ("{url}", "wrong", "refuses the key (401) → set QDRANT_API_KEY"),
        ("http://127.0.0.1:9", "", "→ start the Qdrant server, or correct the address"),
    ],
)
async def test_the_check_says_whether_the_server_can_be_used(server, setting, key, said):
    server.key = "right"
    finding = await passages(load(QDRANT_URL=setting.format(url=server.url), QDRANT_API_KEY=key))
    assert said in finding.line(0)


def test_an_address_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="QDRANT_URL: must be an address"):
        load(QDRANT_URL="localhost:6333")


async def test_a_server_that_answers_too_slowly_is_told_in_time(remote, server, monkeypatch):
    async with remote.serving():
        monkeypatch.setattr("retrieval.stores.rest.SECONDS", 0.2)
        server.slow = 1.0
        assert "does not answer (timed out)" in (await remote.search("send a bike back")).error
        server.slow = 0.0
