"""Sources elsewhere for real: a Git server over HTTPS, and a service that is killed in the middle of a site."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.retrieval.git_server import certificate, git_server
from tests.retrieval.rig import until
from tests.retrieval.site import site
from tests.retrieval.test_sources import ALONE, finds, git, source, standing

PAGES, MANY = 12, 300


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "served" / "docs"
    folder.mkdir(parents=True)
    (folder / "moon.md").write_text("The moon garden opens at seven.")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "moon.md")
    git(folder, "commit", "-q", "-m", "one")
    return folder


async def test_a_repository_is_fetched_over_https_from_a_server_whose_certificate_the_owner_trusts(
    rig, repository, tmp_path, monkeypatch
):
    ours = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(ours[0]))
    with git_server(repository.parent, ours) as (host, asked):
        rig.write("assistant.toml", ALONE + source(f"https://{host}/docs/.git", "git", allow=[host], refresh=0.0001))
        async with rig.serving():
            assert await rig.found("moon garden") == ["help/moon.md"]
            assert "/docs/.git/git-upload-pack" in asked
            (repository / "moon.md").write_text("The moon cellar opens at nine.")
            git(repository, "commit", "-q", "-a", "-m", "two")
            await until(lambda: finds(rig, "cellar", "help/moon.md"))


async def test_a_certificate_that_nobody_trusts_is_refused_with_the_reason(rig, repository, tmp_path, monkeypatch):
    ours = certificate(tmp_path)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with git_server(repository.parent, ours) as (host, asked):
        rig.write("assistant.toml", ALONE + source(f"https://{host}/docs/.git", "git", allow=[host]))
        async with rig.serving():
            assert "certificate" in (await standing(rig)).reason
            assert asked == []


async def test_a_repository_at_a_private_address_that_is_not_allowed_is_never_connected_to(repository, tmp_path, rig):
    ours = certificate(tmp_path)
    with git_server(repository.parent, ours) as (host, asked):
        rig.write("assistant.toml", ALONE + source(f"https://{host}/docs/.git", "git"))
        async with rig.serving():
            assert "allow" in (await standing(rig)).reason
            assert asked == []


async def test_killed_in_the_middle_of_a_site_it_goes_on_where_it_was_and_reads_no_page_twice(rig):
    paths = [f"/page{number}" for number in range(PAGES)]
    async with site() as web:
        web.pages |= {path: f"<p>The garden of {path[1:]} opens at seven.</p>" for path in paths}
        web.map(*paths)
        web.slow = {paths[PAGES // 2]}
        rig.write("assistant.toml", ALONE + source(f"{web.url}/sitemap.xml", "sitemap", allow=[web.host]))
        service = started(rig)
        try:
            await until(lambda: asked(web, paths[PAGES // 2]))
            await until(lambda: holds(rig, PAGES // 2))
        finally:
            os.kill(service.pid, signal.SIGKILL)
            await asyncio.to_thread(service.wait)
        web.slow = set()
        web.go_on.set()
        async with rig.serving(ready=False):
            await until(lambda: holds(rig, PAGES))
            assert not (await standing(rig)).failing
            assert [await rig.found(path[1:]) for path in paths] == [[f"help/{web.host}{path}"] for path in paths]
        stored = paths[: PAGES // 2]
        assert {path: web.sent[path] for path in stored} == dict.fromkeys(stored, 1)


async def test_a_changed_page_of_a_site_is_searchable_soon_after_a_look_and_one_that_went_is_not(rig):
    """The bars are ten seconds and a minute from the look on; `-s` prints what it took. No time is asserted: this machine is
    shared."""
    paths = [f"/page{number}" for number in range(MANY)]
    async with site() as web:
        web.pages |= {path: f"<p>{f'Words of {path[1:]}. ' * 60}</p>" for path in paths}
        web.map(*paths)
        rig.write("assistant.toml", ALONE + source(f"{web.url}/sitemap.xml", "sitemap", allow=[web.host]))
        async with rig.serving(ready=False):
            await until(lambda: holds(rig, MANY))
            web.pages["/page7"] = "<p>The moon garden opens at nine.</p>"
            begun = time.monotonic()
            assert "1 changed" in (await rig.command("refresh")).output
            changed = time.monotonic() - begun
            assert await rig.found("moon garden") == [f"help/{web.host}/page7"]
            assert "Words of page7." not in str(await rig.search("Words of page7"))
            del web.pages["/page7"]
            web.map(*(path for path in paths if path != "/page7"))
            begun = time.monotonic()
            assert "1 removed" in (await rig.command("refresh")).output
            print(f"{MANY} pages: searchable after {changed:.1f} s, gone after {time.monotonic() - begun:.1f} s")
            assert await rig.found("moon garden") == []


def started(rig):
    """The service in a process of its own."""
    settings = rig.settings
    variables = {"TURNOUT_DATA": settings.data, "TURNOUT_ASSISTANT": settings.assistant, "NATS_URL": settings.nats_url}
    environment = {**os.environ, **{name: str(value) for name, value in variables.items()}, "REDIS_URL": settings.redis_url}
    return subprocess.Popen([sys.executable, "-m", "core.cli", "serve", "retrieval"], env=environment)


async def asked(web, path):
    return web.asked[path] > 0


async def holds(rig, documents):
    return await rig.answers() and (await rig.status()).documents == documents
