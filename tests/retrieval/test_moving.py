"""An index moves to a Qdrant server and back: searches go on, nothing is lost, and killed at any step it resumes."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing

import pytest

from core.assistant import Knowledge
from core.errors import ConfigError, StoreUnavailable
from core.knowledge import SearchRequest, Tags
from retrieval import embeddings
from retrieval.copying import Differs
from retrieval.fusion import Weights
from retrieval.index import Index, Setup
from retrieval.manifest import Row
from retrieval.readers.contract import LoadedDocument
from retrieval.splitting import split
from retrieval.stores.rest import Server
from retrieval.stores.server import ServerStore
from tests.retrieval import fakes

PAGES = 45
OPEN = Tags()
MARKED = Tags(audience=("staff",), version="2")


def setup():
    return Setup(embedder=embeddings.find(Knowledge(embeddings="tests.retrieval.fakes:Counting")), weights=Weights(floor=0.3))


def put(index, source, text, tags=OPEN):
    document = LoadedDocument(source, "Title", text)
    row = Row(source, 0, f"/{source}", "command", "hash", "Title", "", 0, time.time(), tags)
    index.put(document, split(document), row=row)


def fill(index):
    for number in range(PAGES):
        put(index, f"{number}.md", f"The garden of page{number} opens at seven.", MARKED if number % 3 else OPEN)
    while index.embed_some():
        pass


def answers(index):
    """What a few questions find first, whatever may come after; and how much."""
    found = {}
    for query, plain in (("page7", 1), ("garden opens", 0), ("page12 page13", 2)):
        passages = index.search(SearchRequest(query=query, k=5, audiences=("staff",))).passages
        found[query] = len(passages), sorted((passage.text, passage.tags.audience) for passage in passages[:plain])
    return found


def shows(index, word):
    """Whether everyone finds it."""
    passages = index.search(SearchRequest(query=word)).passages
    return any(word in passage.text.split() for passage in passages)


def finish(index):
    while index.move_some():
        pass


def move(index, kind):
    assert index.move(kind)
    finish(index)


@pytest.fixture
def opened(tmp_path, server):
    fakes.embedded.clear()
    return lambda: Index(tmp_path / "index", setup(), Server(server.url))


@pytest.fixture
def filled(opened, tmp_path):
    """Made before there was a server."""
    with closing(Index(tmp_path / "index", setup())) as before:
        fill(before)


@pytest.fixture
def index(filled, opened):
    with closing(opened()) as made:
        yield made


def test_a_new_index_is_made_on_the_server_and_one_that_was_there_stays_where_it_was(tmp_path, server, index):
    assert index.store == "in this process"
    with closing(Index(tmp_path / "new", setup(), Server(server.url))) as new:
        put(new, "moon.md", "The moon garden.")
        assert new.store == f"on the Qdrant server at 127.0.0.1:{server.port}"
        assert [passage.source for passage in new.search(SearchRequest(query="moon")).passages] == ["moon.md"]
        assert not [*(tmp_path / "new").glob("shard-*")]


def test_moved_to_the_server_and_back_it_answers_the_same_and_embeds_nothing(tmp_path, server, index):
    before, embedded = answers(index), len(fakes.embedded)
    move(index, "server")
    assert (answers(index), index.waiting(), index.moving) == (before, 0, None)
    assert not [*(tmp_path / "index").glob("shard-*")]
    move(index, "embedded")
    assert (answers(index), index.waiting(), len(fakes.embedded)) == (before, 0, embedded)
    assert server.collections == {}
    assert not index.move("embedded")


def test_after_a_restart_it_is_searched_where_it_was_moved_to(index, opened):
    before = answers(index)
    move(index, "server")
    index.close()
    with closing(opened()) as again:
        assert ("on the Qdrant server" in again.store, answers(again)) == (True, before)


def test_what_another_format_left_on_the_server_is_deleted_and_what_is_of_others_is_not(index, opened, server):
    move(index, "server")
    (name,) = server.collections
    index.close()
    mine, _, language = name.rsplit("-", 2)
    for other in (f"{mine}-0-{language}", "turnout-of-others-0-en"):
        ServerStore(Server(server.url), other).close()
    with closing(opened()) as again:
        assert answers(again)
    assert {*server.collections} == {name, "turnout-of-others-0-en"}


def test_what_changes_while_it_moves_is_there_afterwards_and_what_goes_is_not(index):
    index.move("server")
    assert index.move_some() > 0
    put(index, "0.md", "The terrace of page0 is shut.")
    put(index, "new.md", "A new lighthouse.", MARKED)
    index.remove("1.md")
    index.retag("12.md", MARKED)
    while index.embed_some():
        pass
    expected = answers(index)
    while index.move_some():
        assert answers(index) == expected
    assert (answers(index), index.waiting(), index.counts()[0]) == (expected, 0, PAGES)
    assert "on the Qdrant server" in index.store
    seen = [shows(index, word) for word in ("lighthouse", "terrace", "page1", "page12")]
    assert seen == [False, True, False, False]


def test_a_server_that_goes_away_holds_the_move_up_and_nothing_else(index, server):
    index.move("server")
    index.move_some()
    server.stop()
    with pytest.raises(StoreUnavailable, match="does not answer"):
        index.move_some()
    assert shows(index, "page0")
    put(index, "new.md", "A new lighthouse.")
    server.start()
    finish(index)
    assert "on the Qdrant server" in index.store
    assert [passage.source for passage in index.search(SearchRequest(query="lighthouse")).passages] == ["new.md"]


def test_a_server_that_is_not_there_is_told_at_once_and_nothing_begins(index, server):
    server.stop()
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1"):
        index.move("server")
    assert (index.moving, index.move_some()) == (None, 0)


def test_without_an_address_there_is_nowhere_to_move(tmp_path):
    with closing(Index(tmp_path, setup())) as index, pytest.raises(ConfigError, match="QDRANT_URL is not set"):
        index.move("server")


def test_a_store_that_finds_something_else_never_serves(index, server, monkeypatch):
    """Its words rank the wrong way round: the copy is whole, but the searches differ."""
    before = answers(index)
    index.move("server")
    found = server.collections[next(iter(server.collections))]
    monkeypatch.setattr(found, "_found", lambda one: [])
    with pytest.raises(Differs, match="lexical searches find only 0%"):
        finish(index)
    assert (index.store, index.moving, answers(index)) == ("in this process", None, before)


def test_a_second_owner_is_refused_also_where_the_passages_are_on_a_server(index, opened):
    move(index, "server")
    with pytest.raises(ConfigError, match="another retrieval service"):
        opened()


def test_a_search_under_way_ends_in_the_store_where_it_began(index, monkeypatch):
    """It is held up between ranking and reading; the switch waits for it."""
    original, begun, go_on = index._shard.payloads, threading.Event(), threading.Event()

    def held(points):
        begun.set()
        assert go_on.wait(60)
        return original(points)

    monkeypatch.setattr(index._shard, "payloads", held)
    with ThreadPoolExecutor(2) as threads:
        found = threads.submit(index.search, SearchRequest(query="page7", audiences=("staff",)))
        assert begun.wait(60)
        moved = threads.submit(move, index, "server")
        assert not wait([moved], timeout=1.0).done
        go_on.set()
        assert found.result(60).passages
        moved.result(60)
    assert "on the Qdrant server" in index.store


KILLED = """
import sys
from pathlib import Path
from retrieval.index import Index
from retrieval.stores.rest import Server
from tests.retrieval.dying import die
from tests.retrieval.test_moving import setup
index = Index(Path(sys.argv[1]), setup(), Server(sys.argv[2]))
kind, part, step, when, nth = sys.argv[3], sys.argv[4], sys.argv[5], sys.argv[6], int(sys.argv[7])
index.move(kind)
parts = {"target": index._mover.move.target, "move": index._mover.move, "stores": index._stores, "manifest": index._manifest}
target = parts[part]
die(target, step, when, nth)
while index.move_some():
    pass
"""

STEPS = [
    ("target", "stage", "after", 30),
    ("move", "prove", "before", 1),
    ("stores", "serve", "after", 1),
    ("stores", "remove", "after", 1),
]


@pytest.mark.parametrize("kind", ["server", "embedded"])
def test_killed_at_any_step_it_goes_on_and_ends_where_it_was_to_go(filled, opened, tmp_path, server, kind):
    with closing(opened()) as index:
        if kind == "embedded":
            move(index, "server")
        before, embedded = answers(index), len(fakes.embedded)
    for part, step, when, nth in STEPS if kind == "server" else STEPS[::2]:
        arguments = [str(tmp_path / "index"), server.url, kind, part, step, when, str(nth)]
        killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False, capture_output=True)
        assert killed.returncode == -9, killed.stderr
        with closing(opened()) as again:
            assert answers(again) == before
            while again.move_some() or again.moving:
                assert answers(again) == before
            assert ("on the Qdrant" in again.store) == (kind == "server")
            assert (answers(again), again.waiting(), len(fakes.embedded)) == (before, 0, embedded)
            move(again, "embedded" if kind == "server" else "server")
