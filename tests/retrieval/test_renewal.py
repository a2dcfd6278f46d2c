"""A shard that holds more of the past than of the present is written anew, and nobody who searches or writes notices."""

import subprocess
import sys
from contextlib import closing

import pytest

from core.knowledge import SearchRequest
from retrieval import graph, moving, relocation
from retrieval.embeddings import Embedder
from retrieval.fusion import Weights
from retrieval.index import Index, Setup
from retrieval.manifest import Change, Row
from retrieval.readers.contract import LoadedDocument
from retrieval.splitting import split
from retrieval.stores.rest import Server
from tests.retrieval import fakes
from tests.retrieval.rig import COUNTING, until
from tests.retrieval.test_moving import MARKED, OPEN, answers, finish, move, put, setup, shows

PAGES, TIMES = 45, 26
"""Enough to be written anew: over twice the passages that there are, and a thousand more."""


def page(number, time):
    tags = MARKED if number % 3 else OPEN
    document = LoadedDocument(f"{number}.md", "Title", f"The garden of page{number} opens at time{time} every day.")
    row = Row(document.source, 0, f"/{document.source}", "command", "hash", document.title, "", 0, 0.0, tags)
    return Change(document, split(document), row)


def change(index, times, first=0):
    """All pages say something else, again and again."""
    for time in range(first, first + times):
        index.put_all([page(number, time) for number in range(PAGES)])
    while index.embed_some():
        pass


def size(folder):
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def opened(tmp_path):
    fakes.embedded.clear()
    return lambda: Index(tmp_path / "index", setup())


@pytest.fixture
def past(opened):
    """Closed."""
    with closing(opened()) as index:
        change(index, TIMES)


@pytest.fixture
def worn(past, opened):
    with closing(opened()) as index:
        yield index


def shards(tmp_path):
    return sorted(tmp_path.glob("index/shard-*"))


def test_what_replaced_passages_took_is_given_back(worn, tmp_path):
    before, embedded, (old,) = answers(worn), len(fakes.embedded), shards(tmp_path)
    took = size(old)
    assert worn.move_some() > 0
    finish(worn)
    (new,) = shards(tmp_path)
    assert size(new) < took / 3
    assert (answers(worn), worn.waiting(), len(fakes.embedded), worn.store) == (before, 0, embedded, "in this process")
    assert (new != old, worn.move_some()) == (True, 0)


def test_what_is_hardly_worn_stays_as_it_is(opened, tmp_path):
    with closing(opened()) as index:
        change(index, TIMES // 2)
        before = shards(tmp_path)
        assert (index.move_some(), shards(tmp_path)) == (0, before)


def test_it_comes_round_again(worn, tmp_path):
    finish(worn)
    first = shards(tmp_path)
    change(worn, TIMES, first=TIMES)
    finish(worn)
    assert (len(shards(tmp_path)), shards(tmp_path) == first, shows(worn, f"time{2 * TIMES - 1}")) == (1, False, True)


def test_what_changes_meanwhile_is_there_afterwards_and_what_goes_is_not(worn):
    assert worn.move_some() > 0
    put(worn, "0.md", "The terrace of page0 is shut.")
    put(worn, "new.md", "A new lighthouse.", MARKED)
    worn.remove("1.md")
    worn.retag("12.md", MARKED)
    while worn.embed_some():
        pass
    expected = answers(worn)
    while worn.move_some():
        assert (answers(worn), worn.moving) == (expected, None)
    assert (answers(worn), worn.waiting(), worn.counts()[0]) == (expected, 0, PAGES)
    assert [shows(worn, word) for word in ("lighthouse", "terrace", "page1", "page12")] == [False, True, False, False]


def test_another_embedder_afterwards_still_has_the_old_vectors_to_search_by(worn, tmp_path):
    finish(worn)
    found = worn.search(SearchRequest(query="page3")).legs
    second = setup()
    worn.use(
        type(second)(embedder=type(second.embedder)("tests.retrieval.fakes:Second", fakes.Second()), weights=second.weights)
    )
    assert (found, worn.search(SearchRequest(query="page3")).legs) == (("lexical", "dense"), ("lexical", "dense"))


def test_a_move_that_somebody_wants_goes_first(tmp_path, server):
    with closing(Index(tmp_path / "index", setup())) as before:
        change(before, TIMES)
    with closing(Index(tmp_path / "index", setup(), Server(server.url))) as index:
        assert index.move_some() > 0
        expected = answers(index)
        move(index, "server")
        assert ("on the Qdrant server" in index.store, answers(index), shards(tmp_path)) == (True, expected, [])


KILLED = """
import sys
from pathlib import Path
from retrieval.index import Index
from tests.retrieval.dying import die
from tests.retrieval.test_moving import setup
index = Index(Path(sys.argv[1]), setup())
part, step, when, nth = sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])
index.move_some()
target = {"target": index._mover.move.target, "stores": index._stores, "manifest": index._manifest}[part]
die(target, step, when, nth)
while index.move_some():
    pass
"""

STEPS = [("target", "stage", "after", 3), ("stores", "serve", "before", 1), ("stores", "serve", "after", 1)]


@pytest.mark.parametrize(("part", "step", "when", "nth"), STEPS)
def test_killed_at_any_step_it_goes_on(past, opened, tmp_path, part, step, when, nth):
    with closing(opened()) as index:
        before, embedded = answers(index), len(fakes.embedded)
    arguments = [str(tmp_path / "index"), part, step, when, str(nth)]
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False, capture_output=True)
    assert killed.returncode == -9, killed.stderr
    with closing(opened()) as again:
        assert answers(again) == before
        finish(again)
        assert (answers(again), again.waiting(), len(fakes.embedded)) == (before, 0, embedded)
        assert (len(shards(tmp_path)), again.move_some()) == (1, 0)


def test_what_was_copied_and_cannot_be_read_is_copied_again(past, opened, tmp_path):
    with closing(opened()) as index:
        assert index.move_some() > 0
        before = answers(index)
    (half,) = tmp_path.glob("index/shard-*-second")
    for path in half.rglob("*"):
        if path.is_file():
            path.write_bytes(b"broken")
    with closing(opened()) as again:
        finish(again)
        assert (answers(again), shards(tmp_path)) == (before, [half])


async def test_the_service_sees_to_it(rig, monkeypatch):
    monkeypatch.setattr(relocation, "LOOK", 0.05)
    rig.write("assistant.toml", COUNTING.replace('embeddings = "tests.retrieval.fakes:Counting"', 'dense = "off"'))
    index = rig.folder / "data" / "index"

    async def renewed():
        return [path.name for path in index.glob("shard-*")] == ["shard-4-en-second"]

    async with rig.serving():
        for time in range(6):
            rig.write("knowledge/long.md", "\n\n".join(f"# Part {n}\n\nword{n} {'bike ' * 60} time{time}" for n in range(300)))

            async def taken(time=time):
                return bool(await rig.found(f"time{time}"))

            await until(taken)
        await until(renewed)
        assert await rig.found("time5") == ["knowledge/long.md"]
        assert not await rig.found("time0")


@pytest.fixture
def many(monkeypatch):
    """So many that a graph is worth it."""
    monkeypatch.setattr(moving, "PLAIN", PAGES - 1)


def graphs(tmp_path):
    return [*tmp_path.glob("index/shard-*/**/graph.bin")]


@pytest.mark.usefixtures("many")
def test_many_passages_get_a_graph_once_all_have_their_vectors(opened, tmp_path):
    with closing(opened()) as index:
        index.put_all([page(number, 0) for number in range(PAGES)])
        assert (index.move_some(), graphs(tmp_path)) == (0, [])
        change(index, 1, first=1)
        before, embedded = answers(index), len(fakes.embedded)
        finish(index)
        assert (len(graphs(tmp_path)), len(shards(tmp_path)), index.move_some()) == (1, 1, 0)
        assert (answers(index), index.waiting(), len(fakes.embedded)) == (before, 0, embedded)
    with closing(opened()) as again:
        assert (answers(again), len(graphs(tmp_path))) == (before, 1)


@pytest.mark.usefixtures("many")
def test_what_is_written_anew_before_all_have_their_vectors_gets_its_graph_later(opened, tmp_path):
    with closing(opened()) as index:
        change(index, TIMES)
        index.put_all([page(number, TIMES) for number in range(PAGES)])
        finish(index)
        assert (len(shards(tmp_path)), graphs(tmp_path), index.waiting()) == (1, [], PAGES)
        while index.embed_some():
            pass
        finish(index)
        assert (len(graphs(tmp_path)), shows(index, f"time{TIMES}")) == (1, True)


@pytest.mark.usefixtures("many")
def test_what_changes_while_a_graph_is_drawn_is_there_afterwards_and_what_goes_is_not(opened, tmp_path):
    with closing(opened()) as index:
        change(index, 1)
        while not index._mover.draws:
            assert index.move_some()
        put(index, "0.md", "The terrace of page0 is shut.")
        index.remove("1.md")
        index.retag("12.md", MARKED)
        while index.embed_some():
            pass
        expected = answers(index)
        finish(index)
        assert (answers(index), index.waiting(), len(graphs(tmp_path))) == (expected, 0, 1)
        assert [shows(index, word) for word in ("terrace", "page1", "page12")] == [True, False, False]


@pytest.mark.usefixtures("many")
def test_where_no_graph_can_be_drawn_every_vector_is_looked_at(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(graph, "drawing", lambda folder: subprocess.Popen(["false"]))
    with closing(opened()) as index:
        change(index, 1)
        before = answers(index)
        finish(index)
        assert (answers(index), graphs(tmp_path), index.move_some()) == (before, [], 0)


@pytest.mark.usefixtures("many")
def test_closed_while_a_graph_is_drawn_it_goes_on_later(opened, tmp_path):
    with closing(opened()) as index:
        change(index, 1)
        before = answers(index)
        while not index._mover.draws:
            assert index.move_some()
    with closing(opened()) as again:
        while again.embed_some():
            pass
        finish(again)
        assert (answers(again), len(graphs(tmp_path)), len(shards(tmp_path))) == (before, 1, 1)


@pytest.mark.usefixtures("many")
def test_another_embedder_takes_the_place_of_one_with_a_graph(opened, tmp_path):
    with closing(opened()) as index:
        change(index, 1)
        finish(index)
        index.use(Setup(embedder=Embedder("second", fakes.Second()), weights=Weights(floor=-1.0)))
        while index.embed_some():
            pass
        assert (index.waiting(), index.search(SearchRequest(query="page3")).legs) == (0, ("lexical", "dense"))
        finish(index)
        found = index.search(SearchRequest(query="The garden of page3 opens", audiences=("staff",))).passages
        assert (len(found), len(graphs(tmp_path)), len(shards(tmp_path))) == (6, 1, 1)
