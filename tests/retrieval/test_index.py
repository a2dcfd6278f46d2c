"""The index shows whole documents only, whatever happens to the process, and embeds nothing twice."""

import shutil
import subprocess
import sys
import time

import pytest

from core.assistant import Knowledge
from core.errors import ConfigError
from core.knowledge import SearchRequest, Tags
from retrieval import embeddings
from retrieval.fusion import Weights
from retrieval.index import Index, Setup
from retrieval.manifest import Change, Row
from retrieval.readers.contract import LoadedDocument
from retrieval.splitting import split
from tests.retrieval import fakes

COUNTING = "tests.retrieval.fakes:Counting"


@pytest.fixture
def setup():
    fakes.embedded.clear()
    return Setup(embedder=embeddings.find(Knowledge(embeddings=COUNTING)), weights=Weights(floor=0.3))


@pytest.fixture
def index(tmp_path, setup):
    made = Index(tmp_path, setup)
    yield made
    made.close()


def put(index, source, text):
    document = LoadedDocument(source, "Title", text)
    index.put(document, split(document), row=Row(source, 0, f"/{source}", "command", "hash", "Title", "", 0, time.time()))


def embed(index):
    while index.embed_some():
        pass


def search(index, query, k=5, **asked):
    return index.search(SearchRequest(query=query, k=k, **asked))


def found(index, query, k=5):
    return sorted({passage.source for passage in search(index, query, k).passages})


def test_a_document_is_found_by_its_words_before_it_has_vectors(index):
    put(index, "moon.md", "The moon garden opens at seven.")
    assert found(index, "when does the moon garden open") == ["moon.md"]
    assert index.waiting() == 1


def test_a_new_document_comes_first_for_its_own_words_while_others_have_vectors(index):
    for number in range(20):
        put(index, f"{number}.md", f"The shop garden opens at {number}.")
    embed(index)
    put(index, "moon.md", "The moon garden opens at seven.")
    assert search(index, "when does the moon garden open", 3).passages[0].source == "moon.md"
    index.embed_some()
    assert index.waiting() == 0


def test_an_empty_index_says_so(index):
    result = search(index, "anything", 5)
    assert (result.passages, result.documents) == ((), 0)


def test_a_replaced_document_is_never_found_by_its_old_words(index):
    put(index, "moon.md", "The moon garden opens at seven.")
    put(index, "moon.md", "The sun terrace opens at eight.")
    assert found(index, "moon") == []
    assert found(index, "terrace") == ["moon.md"]
    assert index.counts() == (1, 1)


def test_what_two_documents_say_in_the_same_words_comes_once_where_that_is_asked_for(index):
    for source in ("a.md", "b.md"):
        put(index, source, "The moon garden opens at seven.")
    put(index, "c.md", "The moon garden closes at nine.")
    assert found(index, "moon garden") == ["a.md", "b.md", "c.md"]
    texts = [passage.text for passage in search(index, "moon garden opens", once=True).passages]
    assert texts == ["The moon garden opens at seven.", "The moon garden closes at nine."]


def test_a_removed_document_is_gone(index):
    put(index, "moon.md", "The moon garden opens at seven.")
    assert index.remove("moon.md")
    assert not index.remove("moon.md")
    assert found(index, "moon garden") == []


def test_only_the_passages_that_changed_are_embedded_again(index):
    paragraphs = [f"Paragraph {n}. " + f"word{n} " * 170 for n in range(5)]
    put(index, "long.md", "\n\n".join(paragraphs))
    embed(index)
    assert len(fakes.embedded) == 5
    paragraphs[2] = "Something new. " + "fresh " * 170
    put(index, "long.md", "\n\n".join(paragraphs))
    embed(index)
    assert len(fakes.embedded) == 6
    assert "Something new" in fakes.embedded[-1]
    assert index.waiting() == 0


def test_the_work_that_went_into_it_is_counted_and_kept(tmp_path, setup):
    index = Index(tmp_path, setup)
    assert index.spent == 0
    put(index, "moon.md", "The moon garden opens at seven.")
    stored = index.spent
    assert stored > 0
    embed(index)
    embedded = index.spent
    assert embedded > stored
    document = LoadedDocument("sun.md", "Title", "The sun garden is shut.")
    row = Row("sun.md", 0, "/sun.md", "command", "hash", "Title", "", 0, time.time())
    index.put_all([Change(document, split(document), row, seconds=60.0)])
    assert index.spent > 60
    before = index.spent
    index.close()
    again = Index(tmp_path, setup)
    assert again.spent == before
    again.close()


def test_reopened_it_serves_what_it_held_and_embeds_nothing(tmp_path, setup):
    first = Index(tmp_path, setup)
    put(first, "moon.md", "The moon garden opens at seven.")
    embed(first)
    first.close()
    again = Index(tmp_path, setup)
    assert found(again, "moon") == ["moon.md"]
    assert (again.waiting(), len(fakes.embedded)) == (0, 1)
    again.close()


def test_another_embedder_gives_every_passage_a_new_vector(tmp_path, setup):
    first = Index(tmp_path, setup)
    put(first, "moon.md", "The moon garden opens at seven.")
    embed(first)
    first.use(Setup(embedder=embeddings.find(Knowledge(embeddings="tests.retrieval.fakes:OnceWorking"))))
    assert first.waiting() == 1
    assert found(first, "moon") == ["moon.md"]
    first.close()


def test_a_language_is_stemmed_and_changing_it_keeps_every_document(index, setup):
    put(index, "rad.md", "Fahrräder können zurückgegeben werden.")
    assert found(index, "Fahrrad") == []
    index.use(Setup("de", setup.embedder))
    assert found(index, "Fahrrad") == ["rad.md"]


def test_text_without_spaces_is_found_by_its_words(tmp_path):
    index = Index(tmp_path, Setup("zh"))
    put(index, "a.md", "自行车可以在三十天内退货。")
    put(index, "b.md", "商店每天上午九点开门。")
    assert found(index, "退货") == ["a.md"]
    index.close()


def test_a_question_with_no_word_in_common_and_no_like_meaning_finds_nothing(tmp_path, setup):
    index = Index(tmp_path, Setup(embedder=setup.embedder, weights=Weights(floor=0.9)))
    put(index, "moon.md", "The moon garden opens at seven.")
    embed(index)
    result = search(index, "zebra quantum", 5)
    assert (result.passages, result.documents, result.legs) == ((), 1, ("lexical", "dense"))
    index.close()


def test_an_embedder_that_fails_leaves_the_search_by_words(tmp_path):
    index = Index(tmp_path, Setup(embedder=embeddings.find(Knowledge(embeddings="tests.retrieval.fakes:OnceWorking"))))
    put(index, "moon.md", "The moon garden opens at seven.")
    result = search(index, "moon", 5)
    assert (result.legs, len(result.passages)) == (("lexical",), 1)
    index.close()


@pytest.mark.parametrize(
    ("part", "step", "shown"), [("_shard", "stage", "old"), ("_manifest", "commit", "old"), ("_shard", "drop", "new")]
)
def test_between_the_steps_of_a_change_a_reader_sees_one_whole_version(index, monkeypatch, part, step, shown):
    put(index, "a.md", "old words")
    target = getattr(index, part)
    original, seen = getattr(target, step), []

    def looked_at(*args, **kwargs):
        original(*args, **kwargs)
        seen.append([passage.text for passage in search(index, "words", 5).passages])

    monkeypatch.setattr(target, step, looked_at)
    put(index, "a.md", "new words")
    assert seen == [[f"{shown} words"]]


def test_a_second_owner_is_refused_and_told_why(tmp_path, setup, index):
    code = f"from pathlib import Path; from retrieval.index import *; Index(Path({str(tmp_path)!r}), Setup())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "another retrieval service" in other.stderr


def test_a_broken_shard_is_made_again_from_the_texts(tmp_path, setup):
    first = Index(tmp_path, setup)
    put(first, "moon.md", "The moon garden opens at seven.")
    first.close()
    shutil.rmtree(tmp_path / "shard-4-en" / "segments")
    (tmp_path / "shard-4-en" / "edge_config.json").write_text("{")
    again = Index(tmp_path, setup)
    assert found(again, "moon") == ["moon.md"]
    again.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from retrieval.index import Index, Setup
from tests.retrieval.test_index import put
index = Index(Path(sys.argv[1]), Setup())
put(index, "a.md", "old words")
manifest, shard = index._manifest, index._shard
target, name = (manifest if hasattr(manifest, sys.argv[2]) else shard), sys.argv[2]
original = getattr(target, name)
def dying(*args):
    if sys.argv[3] == "after":
        original(*args)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(target, name, dying)
put(index, "a.md", "new words entirely")
"""


@pytest.mark.parametrize(
    ("step", "when", "shown"),
    [
        ("stage", "after", "old"),
        ("commit", "before", "old"),
        ("commit", "after", "new"),
        ("drop", "before", "new"),
        ("drop", "after", "new"),
        ("swept", "before", "new"),
    ],
)
def test_killed_between_any_two_steps_it_shows_one_whole_version(tmp_path, setup, step, when, shown):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), step, when], check=False, capture_output=True)
    assert killed.returncode == -9, killed.stderr
    index = Index(tmp_path, Setup())
    assert found(index, "words") == ["a.md"]
    assert search(index, "words", 5).passages[0].text.startswith(shown)
    assert index._shard.count() == 1
    index.close()


@pytest.mark.parametrize(
    "path", ["no_such_module:X", "tests.retrieval.fakes:Missing", "tests.retrieval.fakes:not_embeddings", "x"]
)
def test_embeddings_that_are_none_are_refused_by_name(path):
    with pytest.raises(ConfigError, match=r"knowledge\.embeddings"):
        embeddings.find(Knowledge(embeddings=path))


def test_words_alone_when_dense_is_off():
    assert embeddings.find(Knowledge(dense="off")) is None


def test_other_tags_are_there_at_once_and_after_a_repair_and_embed_nothing(tmp_path, setup):
    index, tags = Index(tmp_path, setup), Tags(audience=("staff",), version="2")
    put(index, "moon.md", "The moon garden opens at seven.")
    embed(index)
    before = len(fakes.embedded)
    index.retag("moon.md", tags)
    assert [passage.tags for passage in search(index, "moon garden", 5, audiences=("staff",)).passages] == [tags]
    assert (index.waiting(), len(fakes.embedded)) == (0, before)
    index.close()
    shutil.rmtree(tmp_path / "shard-4-en")
    again = Index(tmp_path, setup)
    assert [passage.tags for passage in search(again, "moon garden", 5, audiences=("staff",)).passages] == [tags]
    again.close()
