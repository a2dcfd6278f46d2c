"""The service over a real bus: it takes the assistant's knowledge, follows its changes, and names what it cannot read."""

import asyncio
import os
import sys
from contextlib import closing

from core.errors import TurnoutError, Unavailable
from core.evaluation.tracks import records as asked
from core.evaluation.tracks.fingerprints import prints
from core.evaluation.tracks.freshness import world
from core.knowledge import Document, DocumentRequest, SearchResult, print_of
from core.records import decode, encode
from retrieval.index import Index, Setup
from retrieval.langchain import TurnoutRetriever
from retrieval.manifest import Change, Row
from retrieval.readers.contract import LoadedDocument
from retrieval.splitting import split
from tests.retrieval import fakes
from tests.retrieval.files import docx, pdf
from tests.retrieval.rig import ASSISTANT, COUNTING, until


async def test_all_of_the_assistants_knowledge_is_there_once_the_service_is_ready(rig):
    for number in range(150):
        rig.write(f"knowledge/z{number}.md", f"# Page {number}\n\n" + f"Words of page {number}. " * 60)
    async with rig.serving():
        (passage,) = (result := await rig.search("how many days to send it back")).passages
        assert (passage.source, passage.title, result.documents) == ("knowledge/returns.md", "Returns", 151)
        request = encode(DocumentRequest(source=passage.source))
        document = decode(Document, await rig.bus.request("retrieval.document", request, timeout=60))
        assert document.text[passage.start : passage.end] == passage.text


async def test_every_document_of_a_large_library_has_a_fingerprint_and_can_be_the_one_that_changes(rig):
    def page(number, text):
        row = Row(f"{number:04}.md", 0, f"/{number:04}.md", "command", "hash", "Page", "", 0, 0.0)
        document = LoadedDocument(row.source, "Page", text)
        return Change(document, split(document), row)

    with closing(Index(rig.folder / "data" / "index", Setup())) as index:
        index.put_all([page(number, f"Words of page{number}.") for number in range(1200)])
    rig.write("assistant.toml", ASSISTANT.replace('paths = ["knowledge"]', ""))
    async with rig.serving():
        before = await prints(rig.bus)
    with closing(Index(rig.folder / "data" / "index", Setup())) as index:
        index.put_all([page(1199, "Other words."), page(1200, "More words.")])
        index.remove("0000.md")
    last = asked.Case(id="c", question="What?", change=asked.Change(source="1200.md", old="More", new="Fewer"))
    async with rig.serving():
        after = await prints(rig.bus)
        changing = await world(rig.bus, [last])
    assert changing.after == {"1200.md": "Fewer words."}
    assert "1200.md" in changing.before
    assert {*before} == {f"{number:04}.md" for number in range(1200)}
    assert before["0008.md"] == print_of("Words of page8.")
    assert {*before.items()} ^ {*after.items()} == {
        ("0000.md", before["0000.md"]),
        ("1199.md", before["1199.md"]),
        ("1199.md", print_of("Other words.")),
        ("1200.md", print_of("More words.")),
    }


async def test_a_file_that_is_added_changed_or_removed_is_followed(rig):
    async with rig.serving():
        rig.write("knowledge/moon.md", "The moon garden opens at seven.")
        await until(lambda: finds(rig, "moon garden", ["knowledge/moon.md"]))
        rig.write("knowledge/moon.md", "The sun terrace opens at eight.")
        await until(lambda: finds(rig, "sun terrace", ["knowledge/moon.md"]))
        assert "moon" not in (await rig.search("moon garden opens")).passages[0].text
        (rig.knowledge / "moon.md").unlink()
        await until(lambda: finds(rig, "sun terrace", []))


async def finds(rig, query, sources):
    return await rig.found(query) == sources


async def test_an_edited_assistant_file_changes_what_is_known(rig):
    rig.write("other/moon.md", "The moon garden opens at seven.")
    async with rig.serving():
        rig.write("assistant.toml", ASSISTANT.replace('["knowledge"]', '["other"]\nurl = "https://help.example.com"'))
        await until(lambda: finds(rig, "moon garden", ["other/moon.md"]))
        assert (await rig.search("moon")).passages[0].url == "https://help.example.com/other/moon.md"
        await until(lambda: finds(rig, "thirty days", []))


async def test_a_document_with_a_command_of_its_own_stays_when_the_service_starts_again(rig):
    outside = rig.write("manuals/moon.md", "The moon garden opens at seven.")
    async with rig.serving():
        assert (await rig.command(outside)).exit_code == 0
    async with rig.serving():
        assert await rig.found("moon garden") == ["manuals/moon.md"]


async def test_a_langchain_loader_is_knowledge_too_and_its_failure_removes_nothing(rig, monkeypatch):
    rig.write("assistant.toml", ASSISTANT.replace('["knowledge"]', '["tests.retrieval.fakes:Wiki"]'))
    async with rig.serving():
        (passage,) = [p for p in (await rig.search("when does it close nine")).passages if "nine" in p.text]
        assert (passage.url, passage.title, passage.page) == ("https://wiki.example.com/moon", "Moon", 1)
        assert (await rig.status()).documents == 2
    monkeypatch.setattr(fakes.Wiki, "away", True)
    async with rig.serving():
        await until(lambda: skips(rig, "the loader failed: the wiki is away"))
        assert (await rig.status()).documents == 2


async def skips(rig, reason):
    return [skipped.reason for skipped in (await rig.status()).skipped] == [reason]


async def test_two_files_never_share_a_name(rig, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    for place in ("a", "b"):
        (outside / place / "manual").mkdir(parents=True)
        (outside / place / "manual" / "moon.md").write_text(f"Moon garden {place}.")
    async with rig.serving():
        for place in ("a", "b"):
            assert "1 added" in (await rig.command(outside / place / "manual")).output
        assert await rig.found("moon garden") == ["b/manual/moon.md", "manual/moon.md"]


async def test_a_service_killed_in_the_middle_goes_on_where_it_was(rig):
    rig.write("assistant.toml", COUNTING)
    for number in range(200):
        rig.write(f"knowledge/{number}.md", f"# Page {number}\n\n" + f"Words of page {number}. " * 60)
    environment = {
        "PATH": os.environ["PATH"],
        "TURNOUT_DATA": str(rig.settings.data),
        "TURNOUT_ASSISTANT": str(rig.settings.assistant),
        "NATS_URL": rig.settings.nats_url,
        "REDIS_URL": "redis://unused",
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "core.cli", "serve", "retrieval", env=environment)
    await until(lambda: holds(rig, 20))
    process.kill()
    await process.wait()
    async with rig.serving():
        await until(lambda: holds(rig, 201))
        status = await rig.status()
        assert (status.documents, status.passages) == (201, sum(document.passages for document in status.listed))
        assert "knowledge/7.md" in [passage.source for passage in (await rig.search("page 7")).passages]


async def holds(rig, documents):
    try:
        return (await rig.status()).documents >= documents
    except Unavailable:
        return False


async def test_corrupt_files_are_named_and_skipped_and_the_rest_is_taken(rig):
    rig.write("new/good.txt", "The moon garden opens at seven.")
    rig.write("new/broken.pdf", b"%PDF-1.7 nothing of the sort")
    rig.write("new/fine.pdf", pdf("The sun terrace opens at eight"))
    docx(rig.folder / "new" / "lease.docx")
    rig.write("new/latin.csv", "größe;preis\n".encode("latin-1"))
    async with rig.serving():
        result = await rig.command(rig.folder / "new", rig.folder / "gone")
        assert result.exit_code == 0
        assert "3 added, 0 changed, 0 unchanged, 0 removed, 3 skipped" in result.output
        assert "broken.pdf: a broken PDF" in result.output
        assert "latin.csv: not UTF-8 at byte 2" in result.output
        assert "gone: there is no such file or folder" in result.output
        passage = (await rig.search("sun terrace")).passages[0]
        assert (passage.source, passage.page) == ("new/fine.pdf", 1)


async def test_ingested_again_only_what_changed_is_read_and_embedded_and_what_went_is_removed(rig):
    rig.write("assistant.toml", COUNTING)
    for name in ("one", "two", "three"):
        rig.write(f"new/{name}.md", f"Document {name} about moons.")
    async with rig.serving():
        assert "3 added" in (await rig.command(rig.folder / "new", "--wait")).output
        before = len(fakes.embedded)
        rig.write("new/two.md", "Document two about suns.")
        (rig.folder / "new" / "three.md").unlink()
        result = await rig.command(rig.folder / "new", "--wait")
        assert "0 added, 1 changed, 1 unchanged, 1 removed, 0 skipped" in result.output
        assert [text.splitlines()[-1] for text in fakes.embedded[before:]] == ["Document two about suns."]


async def test_when_nothing_could_be_taken_the_command_fails(rig):
    async with rig.serving():
        result = await rig.command(rig.write("broken.pdf", b"nothing"))
        assert result.exit_code == 1
        assert "broken.pdf" in result.output


async def test_status_lists_and_remove_forgets_by_name_or_by_path(rig):
    async with rig.serving():
        moon = rig.write("moon.md", "The moon garden opens at seven.")
        await rig.command(moon)
        assert (await rig.command("remove", moon)).stdout == f"removed {moon}\n"
        assert await rig.found("moon garden") == []
        assert "knowledge/returns.md" in (await rig.command("status")).output
        assert (await rig.status()).spent > 0
        told = "source knowledge.paths has it, and takes it again at its next look"
        assert told in (await rig.command("remove", "knowledge/returns.md")).stdout
        assert await rig.found("thirty days") == []
        assert "no such document" in str((await rig.command("remove", "knowledge/returns.md")).exception)


async def test_without_the_service_the_command_says_how_to_start_it(rig):
    result = await rig.command("status")
    assert isinstance(result.exception, TurnoutError)
    assert "turnout serve retrieval" in str(result.exception)


async def test_while_much_is_ingested_search_goes_on_answering(rig):
    async with rig.serving():
        for number in range(300):
            rig.write(f"many/{number}.md", f"# Page {number}\n\n" + f"Words of page {number}. " * 60)
        job = asyncio.create_task(rig.command(rig.folder / "many"))
        asked = 0
        while not job.done():
            assert await rig.found("thirty days send back") == ["knowledge/returns.md"]
            asked += 1
        assert "300 added" in job.result().output
        assert asked > 5


async def test_a_service_whose_embedder_fails_still_finds_words(rig):
    rig.write("assistant.toml", COUNTING.replace("Counting", "OnceWorking"))
    async with rig.serving():
        result = await rig.search("thirty days")
        assert (result.legs, len(result.passages)) == (("lexical",), 1)


async def test_a_request_that_is_none_is_answered_with_an_error(rig):
    async with rig.serving():
        answer = decode(SearchResult, await rig.bus.request("retrieval.search", b"not json", timeout=60))
        assert "SearchRequest" in answer.error


async def test_the_langchain_retriever_returns_documents_with_their_places(rig):
    async with rig.serving():
        retriever = TurnoutRetriever(nats_url=rig.settings.nats_url, k=1)
        (document,) = await retriever.ainvoke("thirty days")
        assert "thirty days" in document.page_content
        assert document.metadata["source"] == "knowledge/returns.md"
        assert (await asyncio.to_thread(retriever.invoke, "thirty days"))[0].id == document.id
