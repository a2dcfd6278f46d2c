"""Sources of every kind, as the owner names them in the assistant file and meets them in a running service."""

import json
import os
import subprocess
import time

import pytest

from core.knowledge import Tags
from tests.retrieval import fakes
from tests.retrieval.rig import ASSISTANT, COUNTING, until
from tests.retrieval.site import site

ALONE = ASSISTANT.replace('paths = ["knowledge"]\n', "")
QUICKLY = 0.0001  # hours: about a third of a second


def source(at, kind="folder", name="help", **more):
    """A `[[knowledge.sources]]` table."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in {"name": name, "kind": kind, "at": str(at), **more}.items()]
    return "\n".join(["[[knowledge.sources]]", *lines, ""])


async def tags(rig, query):
    return [passage.tags for passage in (await rig.search(query)).passages]


async def finds(rig, query, *sources):
    return await rig.found(query) == sorted(sources)


async def standing(rig, name="help"):
    return next(found for found in (await rig.status()).sources if found.name == name)


async def fails(rig, words, name="help"):
    return words in (await standing(rig, name)).reason


async def test_a_folders_documents_carry_its_marks_and_the_time_of_their_last_change(rig):
    marks = {"owner": "ops", "audience": ["staff"], "product": "x1", "version": "2", "language": "en", "priority": 3}
    rig.write("assistant.toml", ALONE + source("docs/*.md", **marks))
    os.utime(rig.write("docs/moon.md", "The moon garden opens at seven."), (1e9, 1e9))
    async with rig.serving():
        wanted = Tags(
            origin="help", owner="ops", audience=("staff",), product="x1", version="2", language="en", priority=3, at=1e9
        )
        assert await tags(rig, "moon garden") == [wanted]
        rig.write("docs/sun.md", "The sun terrace opens at eight.")
        await until(lambda: finds(rig, "sun terrace", "docs/sun.md"))


async def test_of_a_folder_in_another_the_inner_ones_marks_count_also_when_a_command_takes_a_file(rig):
    inner = source("knowledge/staff", name="inner", audience=["staff"])
    rig.write("assistant.toml", ASSISTANT + inner)
    rig.write("knowledge/staff/moon.md", "The moon garden opens at seven.")
    async with rig.serving():
        assert [found.audience for found in await tags(rig, "moon garden")] == [("staff",)]
        assert (await rig.command(rig.knowledge)).exit_code == 0
        assert [found.audience for found in await tags(rig, "moon garden")] == [("staff",)]
        assert [found.audience for found in await tags(rig, "thirty days")] == [()]


async def test_another_mark_in_the_assistant_file_is_there_at_once_and_reads_and_embeds_nothing(rig):
    rig.write("assistant.toml", COUNTING.replace('paths = ["knowledge"]\n', "") + source("knowledge", audience=["staff"]))
    async with rig.serving():
        await until(lambda: embedded(rig))
        rig.write("assistant.toml", COUNTING.replace('paths = ["knowledge"]\n', "") + source("knowledge", audience=["bosses"]))
        await until(lambda: marked(rig, ("bosses",)))
        status = await rig.status()
        assert (status.waiting, fakes.embedded.count("# Returns\n\nYou have thirty days to send a bike back.")) == (0, 0)
        assert len([text for text in fakes.embedded if "thirty days" in text]) == 1


async def embedded(rig):
    return (await rig.status()).waiting == 0


async def marked(rig, audience):
    return [found.audience for found in await tags(rig, "send a bike back")] == [audience]


async def test_a_page_is_fetched_again_only_when_it_has_changed(rig):
    async with site() as web:
        web.pages["/moon"] = (200, {"Last-Modified": "Sun, 09 Sep 2001 01:46:40 GMT"}, "<p>The moon garden opens at seven.</p>")
        rig.write("assistant.toml", ALONE + source(f"{web.url}/moon", "page", allow=[web.host], refresh=QUICKLY))
        async with rig.serving():
            assert await rig.found("moon garden") == [f"help/{web.host}/moon"]
            (passage,) = (await rig.search("moon garden")).passages
            assert (passage.url, passage.tags.at) == (f"{web.url}/moon", 1e9)
            await until(lambda: asked(web, "/moon", 3))
            assert web.sent["/moon"] == 1
            web.pages["/moon"] = "<p>The sun terrace opens at eight.</p>"
            await until(lambda: finds(rig, "sun terrace", f"help/{web.host}/moon"))
            assert await rig.found("moon garden") in ([], [f"help/{web.host}/moon"])
            assert "moon" not in (await rig.search("terrace opens")).passages[0].text


async def asked(web, path, times):
    return web.asked[path] >= times


async def test_a_sitemaps_pages_come_and_go_and_robots_and_other_hosts_are_respected(rig):
    async with site() as web:
        web.pages |= {"/moon": "<p>The moon garden opens at seven.</p>", "/sun": "<p>The sun terrace opens at eight.</p>"}
        web.pages |= {"/secret/a": "<p>The secret cellar.</p>", "/robots.txt": "User-agent: *\nDisallow: /secret/\n"}
        web.map("/moon", "/sun", "/secret/a", "@elsewhere.example/stars")
        rig.write("assistant.toml", ALONE + source(f"{web.url}/sitemap.xml", "sitemap", allow=[web.host], refresh=QUICKLY))
        async with rig.serving():
            assert await rig.found("garden terrace cellar") == [f"help/{web.host}/moon", f"help/{web.host}/sun"]
            assert web.asked["/secret/a"] == 0
            reasons = {skipped.reason for skipped in (await rig.status()).skipped}
            assert reasons == {"robots.txt asks not to fetch it", "it is no page of 127.0.0.1"}
            web.map("/moon")
            await until(lambda: finds(rig, "garden terrace", f"help/{web.host}/moon"))
            web.pages["/moon"] = (404, {}, "")
            await until(lambda: fails(rig, "all that it names is gone"))
            assert await rig.found("moon garden") == [f"help/{web.host}/moon"]


async def test_a_source_that_fails_serves_its_last_good_text_and_says_so_until_it_is_well(rig):
    async with site() as web:
        web.pages["/moon"] = good = "<p>The moon garden opens at seven.</p>"
        rig.write("assistant.toml", ALONE + source(f"{web.url}/moon", "page", allow=[web.host], refresh=QUICKLY))
        async with rig.serving():
            web.pages["/moon"] = (503, {}, "")
            await until(lambda: fails(rig, "503"))
            assert await rig.found("moon garden") == [f"help/{web.host}/moon"]
            health, now = await rig.health(), await standing(rig)
            assert health.ready
            assert "source help fails since" in health.detail
            assert 0 < now.success < now.failing <= time.time()
            result = await rig.command("refresh", "help")
            assert result.exit_code == 1
            assert "0 added, 0 changed, 0 unchanged, 0 removed, 1 skipped" in result.output
            assert "FAILING since" in (await rig.command("status")).output
            metrics = (await rig.bus.request("metrics.retrieval", b"", timeout=60)).decode()
            assert any(
                line.startswith("turnout_source_failing{") and line.endswith(" 1.0") and "help" in line
                for line in metrics.splitlines()
            )
            web.pages["/moon"] = good
            await until(lambda: well(rig))


async def well(rig):
    return not (await standing(rig)).failing


def git(folder, *arguments):
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(("git", "-C", str(folder), *who, *arguments), check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repo"
    (folder / "docs").mkdir(parents=True)
    (folder / "docs" / "moon.md").write_text("The moon garden opens at seven.")
    (folder / "docs" / "untracked.md").write_text("The untracked cellar.")
    (folder / "README.md").write_text("The sun terrace opens at eight.")
    (folder / "docs" / "link.md").symlink_to("/etc/hostname")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "docs/moon.md", "docs/link.md", "README.md")
    git(folder, "commit", "-q", "-m", "one", "--date", "2001-09-09T01:46:40Z")
    return folder


async def test_a_repositorys_tracked_files_are_read_and_only_what_a_commit_changed_again(rig, repository):
    rig.write("assistant.toml", ALONE + source("repo", "git", only=["docs/*"], refresh=QUICKLY))
    async with rig.serving():
        assert await rig.found("moon garden sun terrace cellar") == ["help/docs/moon.md"]
        assert (await rig.status()).documents == 1
        (repository / "docs" / "star.md").write_text("The star tower opens at nine.")
        git(repository, "add", "docs/star.md")
        git(repository, "commit", "-q", "-m", "two")
        await until(lambda: finds(rig, "star tower", "help/docs/star.md"))
        git(repository, "rm", "-q", "docs/moon.md")
        git(repository, "commit", "-q", "-m", "three")
        await until(lambda: finds(rig, "moon garden", *[]))


async def test_nothing_in_a_repository_ever_runs(rig, repository, tmp_path):
    """Neither its hooks nor its filters, nor a protocol or option that its address smuggles in."""
    ran = tmp_path / "ran"
    for hook in ("post-checkout", "reference-transaction", "pre-auto-gc", "post-index-change"):
        place = repository / ".git" / "hooks" / hook
        place.write_text(f"#!/bin/sh\ntouch {ran}\n")
        place.chmod(0o755)
    (repository / ".gitattributes").write_text("*.md filter=evil\n")
    git(repository, "config", "filter.evil.smudge", f"touch {ran}; cat")
    git(repository, "add", ".gitattributes")
    git(repository, "commit", "-q", "-m", "evil")
    ran.unlink(missing_ok=True)
    bad = source("repo#--upload-pack=touch ran", "git", name="option") + source("ext::sh -c touch% ran", "git", name="ext")
    rig.write("assistant.toml", ALONE + source("repo", "git") + bad)
    async with rig.serving():
        assert await rig.found("moon garden") == ["help/docs/moon.md"]
        assert (await standing(rig, "option")).reason
        assert (await standing(rig, "ext")).reason
    assert not ran.exists()


async def test_a_mailboxs_messages_are_documents_of_their_own(rig):
    rig.write(
        "mail/export.mbox",
        mbox(
            ("a@x", "Moon", "The moon garden opens at seven.\nFrom the gate you see it.\n>From there too."),
            ("b@x", "Sun", "The sun terrace."),
        ),
    )
    rig.write("assistant.toml", ALONE + source("mail/export.mbox", "mailbox"))
    async with rig.serving():
        assert await rig.found("moon garden") == ["help/a@x"]
        (passage, *_) = (await rig.search("moon garden seven gate")).passages
        assert passage.tags.at == 1e9
        assert "From the gate you see it.\nFrom there too." in passage.text
        rig.write("mail/export.mbox", mbox(("b@x", "Sun", "The sun terrace."), ("c@x", "Star", "The star tower.")))
        await until(lambda: finds(rig, "star tower", "help/c@x"))
        await until(lambda: finds(rig, "moon garden"))


def mbox(*messages):
    return "".join(
        f"From x Sun Sep  9 01:46:40 2001\nMessage-ID: <{id}>\nDate: Sun, 09 Sep 2001 01:46:40 +0000\nFrom: a@example.com\n"
        f"Subject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{text}\n\n"
        for id, subject, text in messages
    )


def ticket(id, text, status="resolved", **more):
    messages = [{"role": "customer", "text": text}, {"role": "agent", "text": "Write to ann.lee@example.com about it."}]
    return json.dumps({"id": id, "title": "A question", "messages": messages, "status": status, **more}) + "\n"


async def test_of_tickets_only_resolved_ones_are_read_and_personal_data_is_taken_out(rig):
    rig.write(
        "tickets.jsonl", ticket(1, "The moon garden?", updated="2001-09-09T01:46:40Z") + ticket(2, "The star tower?", "open")
    )
    rig.write("assistant.toml", ALONE + source("tickets.jsonl", "tickets"))
    async with rig.serving():
        (passage,) = (await rig.search("moon garden")).passages
        assert (passage.source, passage.title, passage.tags.at) == ("help/1", "A question", 1e9)
        assert "Write to [EMAIL] about it." in passage.text
        assert await rig.found("star tower") == []
        rig.write(
            "tickets.jsonl",
            ticket(1, "The moon garden?") + ticket(1, "The moon garden?", "reopened") + ticket(2, "The star tower?"),
        )
        await until(lambda: finds(rig, "star tower", "help/2"))
        await until(lambda: finds(rig, "moon garden"))
        rig.write("tickets.jsonl", '{"id": 2, "mess')
        await until(lambda: fails(rig, "there is no ticket in it"))
        assert await rig.found("star tower") == ["help/2"]
