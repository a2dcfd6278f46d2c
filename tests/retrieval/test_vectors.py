"""Another embedder: the old vectors serve until the new ones are complete, then those at once; a crash in between costs nothing."""

import shutil
import subprocess
import sys
import time
from contextlib import closing

import pytest

from core.assistant import Knowledge
from core.knowledge import SearchRequest, Tags
from retrieval import embeddings
from retrieval.embeddings import Embedder
from retrieval.fusion import Weights
from retrieval.index import Index, Setup
from retrieval.manifest import Change, Row
from retrieval.readers.contract import LoadedDocument
from retrieval.splitting import split
from tests.retrieval import fakes

PAGES = 40


def setup(name):
    """Every passage is near enough to be found by its meaning alone."""
    return Setup(embedder=embeddings.find(Knowledge(embeddings=f"tests.retrieval.fakes:{name}")), weights=Weights(floor=-1.0))


def put(index, *pages):
    index.put_all([change(source, text) for source, text in pages])


def change(source, text):
    document = LoadedDocument(source, "Title", text)
    return Change(document, split(document), Row(source, 0, f"/{source}", "command", "hash", "Title", "", 0, time.time()))


def fill(index):
    put(index, *((f"{number}.md", f"The garden of page{number} opens at seven.") for number in range(PAGES)))


def embed(index):
    while index.embed_some():
        pass


def asked(index):
    """Which embedder was asked about a question, and what was found of another page's words."""
    fakes.queries.clear()
    result = index.search(SearchRequest(query=f"zzz{time.monotonic_ns()}", k=3))
    return fakes.queries[-1][0] if fakes.queries else "", result.legs


@pytest.fixture
def index(tmp_path):
    fakes.embedded.clear()
    with closing(Index(tmp_path / "index", setup("First"))) as made:
        fill(made)
        embed(made)
        yield made


def test_only_what_was_written_since_is_looked_at_for_passages_without_vectors(index, monkeypatch):
    looked, original = [], index._shard.without_vector
    monkeypatch.setattr(
        index._shard, "without_vector", lambda lack, limit: (looked.extend(lack.revs), original(lack, limit))[1]
    )
    put(index, ("new.md", "A new lighthouse."))
    embed(index)
    assert ({*looked}, index.waiting()) == ({index.row("new.md").rev}, 0)


def test_a_document_that_is_marked_with_a_language_the_embedder_knows_gets_vectors(tmp_path):
    with closing(Index(tmp_path / "index", Setup(embedder=Embedder("first", fakes.First(), languages=("en",))))) as index:
        index.put_all([change("text.md", "Fahrräder können nicht mehr zurückgegeben werden, wenn sie alt sind.")])
        embed(index)
        assert index.waiting() == 0
        before = len(fakes.embedded)
        index.retag("text.md", Tags(language="en"))
        assert index.waiting() == 1
        embed(index)
        assert (index.waiting(), len(fakes.embedded)) == (0, before + 1)


def test_the_old_vectors_serve_until_the_new_ones_are_complete(index):
    index.use(setup("Second"))
    assert index.waiting() == PAGES
    steps = 0
    while index.waiting():
        assert asked(index) == ("First", ("lexical", "dense"))
        index.embed_some()
        steps += 1
    assert steps > 2
    embed(index)
    assert asked(index) == ("Second", ("lexical", "dense"))
    assert index._shard.sizes == {"dense-next": 32}


def test_what_is_written_meanwhile_is_found_and_gets_only_new_vectors(index):
    index.use(setup("Second"))
    index.embed_some()
    before = len(fakes.embedded)
    put(index, ("new.md", "The moon terrace opens at eight."))
    assert [p.source for p in index.search(SearchRequest(query="moon terrace", k=1)).passages] == ["new.md"]
    put(index, ("1.md", "The garden of page1 opens at seven."))
    embed(index)
    assert len(fakes.embedded) - before == PAGES - 8 + 1
    assert asked(index)[0] == "Second"


def test_back_to_the_one_before_embeds_nothing(index):
    index.use(setup("Second"))
    index.embed_some()
    before = len(fakes.embedded)
    index.use(setup("First"))
    embed(index)
    assert (len(fakes.embedded), asked(index)[0]) == (before, "First")


def test_a_third_one_takes_the_place_of_one_that_never_served(index):
    index.use(setup("Second"))
    index.embed_some()
    index.use(setup("Third"))
    assert (index.waiting(), asked(index)[0]) == (PAGES, "First")
    embed(index)
    assert asked(index)[0] == "Third"


def test_started_again_in_the_middle_it_goes_on_where_it_was(index, tmp_path):
    index.use(setup("Second"))
    index.embed_some()
    shutil.copytree(tmp_path / "index", tmp_path / "copy")
    with closing(Index(tmp_path / "copy", setup("Second"))) as again:
        assert again.waiting() == PAGES - 8
        assert asked(again)[0] == "First"
        embed(again)
        assert asked(again)[0] == "Second"


def test_an_old_embedder_that_is_gone_leaves_the_words(index, tmp_path, monkeypatch):
    index.use(setup("Second"))
    shutil.copytree(tmp_path / "index", tmp_path / "copy")
    monkeypatch.delattr(fakes, "First")
    with closing(Index(tmp_path / "copy", setup("Second"))) as again:
        assert asked(again) == ("", ("lexical",))
        embed(again)
        assert asked(again)[0] == "Second"


def test_a_model_that_changed_its_length_gets_all_vectors_anew(index, monkeypatch):
    monkeypatch.setattr(fakes.First, "size", 48)
    put(index, ("new.md", "The moon terrace opens at eight."))
    embed(index)
    assert index._shard.sizes == {"dense": 48}
    assert (index.waiting(), asked(index)) == (0, ("First", ("lexical", "dense")))


KILLED = """
import os, signal, sys
from pathlib import Path
from retrieval.index import Index
from tests.retrieval.test_vectors import embed, fill, setup
index = Index(Path(sys.argv[1]), setup("First"))
fill(index)
embed(index)
target, name, when, nth = {"manifest": index._manifest, "shard": index._shard}[sys.argv[2]], sys.argv[3], sys.argv[4], int(sys.argv[5])
original, calls = getattr(target, name), []
def dying(*args):
    calls.append(args)
    if len(calls) == nth and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    original(*args)
    if len(calls) == nth:
        os.kill(os.getpid(), signal.SIGKILL)
setattr(target, name, dying)
index.use(setup("Second"))
embed(index)
"""

STEPS = [("manifest", "put", when, nth) for when in ("before", "after") for nth in (1, 2, 3, 4)]
STEPS += [("shard", "give_vectors", "after", 3), ("shard", "drop_dense", "before", 2)]


@pytest.mark.parametrize(("part", "name", "when", "nth"), STEPS)
def test_killed_at_any_step_it_serves_whole_vectors_and_ends_with_the_new_ones(tmp_path, part, name, when, nth):
    command = [sys.executable, "-c", KILLED, str(tmp_path), part, name, when, str(nth)]
    killed = subprocess.run(command, check=False, capture_output=True)
    assert killed.returncode == -9, killed.stderr
    with closing(Index(tmp_path, setup("Second"))) as again:
        served, legs = asked(again)
        assert legs == ("lexical", "dense")
        assert served == "First" or again.waiting() == 0
        embed(again)
        assert asked(again)[0] == "Second"
        assert len(again._shard.sizes) == 1
