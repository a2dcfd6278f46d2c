"""`turnout ingest` as its owner uses it: what it would do, what it did, what fails; and what a restart or a new file costs."""

import asyncio
import time

from prometheus_client import REGISTRY

from retrieval import watching
from tests.retrieval.rig import ASSISTANT, until
from tests.retrieval.site import site
from tests.retrieval.test_sources import QUICKLY, finds, source, standing


def looked_at(outcome):
    return REGISTRY.get_sample_value("turnout_ingested_files_total", {"outcome": outcome}) or 0.0


async def test_a_plan_says_what_would_happen_and_does_nothing(rig):
    rig.write("new/moon.md", "The moon garden opens at seven.")
    rig.write("new/sun.md", "The sun terrace opens at eight.")
    async with rig.serving():
        assert (await rig.command(rig.folder / "new")).exit_code == 0
        rig.write("new/moon.md", "The moon garden opens at six.")
        rig.write("new/star.md", "The star tower opens at nine.")
        rig.write("new/broken.pdf", b"nothing")
        (rig.folder / "new" / "sun.md").unlink()
        result = await rig.command("plan", rig.folder / "new")
        assert result.exit_code == 0
        told = [
            "would be changed: new/moon.md",
            "would be added: new/star.md",
            "would be removed: new/sun.md",
            "new/broken.pdf: ",
        ]
        assert [line for line in told if line not in result.output] == []
        assert "it would be: 1 added, 1 changed, 0 unchanged, 1 removed, 1 skipped" in result.output
        assert "seven" in (await rig.search("moon garden")).passages[0].text
        assert await rig.found("star tower sun terrace") == ["new/sun.md"]
        assert "1 added, 1 changed, 0 unchanged, 1 removed, 1 skipped" in (await rig.command(rig.folder / "new")).output


async def test_a_plan_of_all_sources_asks_each_of_them(rig):
    async with site(**{"/moon": "<p>The moon garden opens at seven.</p>"}) as web:
        rig.write("assistant.toml", ASSISTANT + source(f"{web.url}/moon", "page", allow=[web.host]))
        async with rig.serving():
            web.pages["/moon"] = "<p>The moon garden opens at six.</p>"
            result = await rig.command("plan")
            assert f"would be changed: help/{web.host}/moon" in result.output
            assert "it would be: 0 added, 1 changed, 1 unchanged, 0 removed, 0 skipped" in result.output
            assert "seven" in (await rig.search("moon garden")).passages[0].text
            assert "0 added, 1 changed, 0 unchanged" in (await rig.command("refresh", "help")).output
            assert "six" in (await rig.search("moon garden")).passages[0].text


async def test_status_tells_of_each_source_what_it_holds_and_when_it_is_looked_at_again(rig):
    async with site(**{"/moon": "<p>The moon garden opens at seven.</p>"}) as web:
        rig.write("assistant.toml", ASSISTANT + source(f"{web.url}/moon", "page", allow=[web.host], refresh=2))
        async with rig.serving():
            page, paths = await standing(rig), await standing(rig, "knowledge.paths")
            assert (page.documents, page.passages, paths.documents, paths.next) == (1, 1, 1, 0.0)
            await until(lambda: is_next(rig, page.success + 7200))
            output = (await rig.command("status")).output
            assert f"source help (page {web.url}/moon): 1 documents, 1 passages, read 20" in output
            assert "source knowledge.paths (folder knowledge): 1 documents, 1 passages, read 20" in output


async def is_next(rig, at):
    return abs((await standing(rig)).next - at) < 60


async def test_what_hides_something_is_flagged_to_its_owner(rig):
    rig.write("knowledge/moon.md", "The moon gar\u200bden opens at se\u200bven.")
    async with rig.serving():
        paths = await standing(rig, "knowledge.paths")
        assert (paths.documents, paths.flagged) == (2, 1)
        output = (await rig.command("status")).output
        assert "1 documents hide something" in output


async def test_a_source_nobody_named_is_refused(rig):
    async with rig.serving():
        result = await rig.command("refresh", "hlep")
        assert "no source is called 'hlep'" in str(result.exception)


async def test_after_a_restart_nothing_is_fetched_or_read_again_before_its_time(rig):
    async with site(**{"/moon": "<p>The moon garden opens at seven.</p>"}) as web:
        rig.write("assistant.toml", ASSISTANT + source(f"{web.url}/moon", "page", allow=[web.host]))
        async with rig.serving():
            assert await rig.found("moon garden") == [f"help/{web.host}/moon"]
        before = looked_at("added") + looked_at("changed")
        async with rig.serving():
            assert await rig.found("moon garden") == [f"help/{web.host}/moon"]
            assert (web.asked["/moon"], looked_at("added") + looked_at("changed")) == (1, before)
        rig.write("assistant.toml", ASSISTANT + source(f"{web.url}/sun", "page", allow=[web.host]))
        web.pages["/sun"] = "<p>The sun terrace opens at eight.</p>"
        async with rig.serving():
            await until(lambda: finds(rig, "sun terrace", f"help/{web.host}/sun"))
            await until(lambda: finds(rig, "moon garden"))


async def test_another_mark_of_a_page_is_there_though_the_page_is_not_asked_for_again(rig):
    async with site(**{"/moon": "<p>The moon garden opens at seven.</p>"}) as web:
        rig.write("assistant.toml", ASSISTANT + source(f"{web.url}/moon", "page", allow=[web.host], audience=["bosses"]))
        async with rig.serving():
            assert [passage.tags.audience for passage in (await rig.search("moon garden")).passages] == [("bosses",)]
            rig.write("assistant.toml", ASSISTANT + source(f"{web.url}/moon", "page", allow=[web.host], audience=["staff"]))
            await until(lambda: is_for(rig, ("staff",)))
            assert web.asked["/moon"] == 1


async def is_for(rig, audience):
    return [passage.tags.audience for passage in (await rig.search("moon garden")).passages] == [audience]


async def test_a_source_that_is_named_no_more_is_forgotten(rig):
    async with site(**{"/moon": "<p>The moon garden opens at seven.</p>"}) as web:
        rig.write("assistant.toml", ASSISTANT + source(f"{web.url}/moon", "page", allow=[web.host]))
        async with rig.serving():
            assert await rig.found("moon garden") == [f"help/{web.host}/moon"]
            rig.write("assistant.toml", ASSISTANT)
            await until(lambda: finds(rig, "moon garden"))
            assert await rig.found("thirty days") == ["knowledge/returns.md"]


async def test_a_slow_site_holds_up_no_file(rig):
    async with site() as web:
        web.pages["/moon"] = "<p>The moon garden opens at seven.</p>"
        web.slow.add("/moon")
        rig.write("assistant.toml", ASSISTANT + source(f"{web.url}/moon", "page", allow=[web.host], refresh=QUICKLY))
        rig.write("knowledge/star.md", "The star tower opens at nine.")
        async with rig.serving(ready=False):
            await until(lambda: web_is_asked(web))
            rig.write("knowledge/sun.md", "The sun terrace opens at eight.")
            await until(lambda: finds(rig, "sun terrace", "knowledge/sun.md"))
            web.go_on.set()
            await until(lambda: finds(rig, "moon garden", f"help/{web.host}/moon"))


async def web_is_asked(web):
    return web.asked["/moon"] > 0


async def test_a_folder_that_changes_without_a_word_is_looked_at_now_and_then(rig, monkeypatch):
    monkeypatch.setattr(watching, "LOOK_ANYWAY", 0.5)
    monkeypatch.setattr(watching, "awatch", silent)
    async with rig.serving():
        for number in range(3):  # the first may be seen as the watch begins
            rig.write(f"knowledge/sun{number}.md", f"The sun terrace opens at number{number}.")
            await until(lambda number=number: finds(rig, f"number{number}", f"knowledge/sun{number}.md"))


async def silent(*_places, stop_event, **_options):
    """A watch that sees nothing."""
    while not stop_event.is_set():
        await asyncio.sleep(0.1)
        yield set()


async def test_a_changed_document_is_searchable_soon_and_the_old_text_never_again(rig):
    """The bar is ten seconds; `-s` prints what it took. No time is asserted: this machine is shared."""
    for number in range(300):
        rig.write(f"knowledge/{number}.md", f"# Page {number}\n\n" + f"Words of page {number}. " * 60)
    async with rig.serving():
        took = []
        for edition in range(5):
            begun = time.monotonic()
            rig.write("knowledge/moon.md", f"The moon garden opens at edition{edition}.")
            await until(lambda edition=edition: finds(rig, f"edition{edition}", "knowledge/moon.md"))
            took.append(time.monotonic() - begun)
            assert f"edition{edition - 1}" not in str(await rig.search("moon garden opens"))
        begun = time.monotonic()
        (rig.knowledge / "moon.md").unlink()
        await until(lambda: finds(rig, "moon garden opens"))
        print(
            f"searchable after {sorted(took)[2]:.1f} s (median of 5, worst {max(took):.1f} s), gone {time.monotonic() - begun:.1f} s"
        )
