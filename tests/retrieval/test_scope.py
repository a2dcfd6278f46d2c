"""A search finds what the asker may read and asked about, and nothing else, whatever ranks higher."""

import shutil
import threading

import pytest

from core.knowledge import DocumentRequest, SearchRequest, Tags
from retrieval.index import Index, Setup
from retrieval.manifest import Change, Row
from retrieval.readers.contract import LoadedDocument
from retrieval.splitting import split
from tests.retrieval import canaries


@pytest.fixture
def index(tmp_path):
    made = Index(tmp_path, Setup())
    yield made
    made.close()


def put(index, source, text, **tags):
    index.put_all([change(source, text, **tags)])


def change(source, text, **tags):
    document = LoadedDocument(source, "Title", text)
    return Change(document, split(document), Row(source, 0, source, "command", "hash", "Title", "", 0, 0.0, Tags(**tags)))


def found(index, query, **asked):
    return sorted({passage.source for passage in index.search(SearchRequest(query=query, k=50, **asked)).passages})


def test_random_questions_never_find_what_is_not_for_them(tmp_path):
    outcome = canaries.run(400, size=150, folder=tmp_path)
    assert (outcome.leaks, outcome.passages > 1000) == (0, True)
    assert outcome.recall >= outcome.oracle - 0.01


def test_without_an_audience_one_finds_what_is_for_everyone(index):
    put(index, "all.md", "The moon garden.")
    put(index, "staff.md", "The moon cellar.", audience=("staff",))
    assert found(index, "moon") == ["all.md"]
    assert found(index, "moon", audiences=("staff", "board")) == ["all.md", "staff.md"]
    assert found(index, "moon", audiences=("board",)) == ["all.md"]


def test_no_audience_can_be_called_what_means_everyone(index):
    put(index, "odd.md", "The moon cellar.", audience=("*",))
    assert found(index, "moon") == []
    assert found(index, "moon", audiences=("*",)) == ["odd.md"]


def test_a_document_that_may_not_be_read_looks_like_one_that_is_not_there(index):
    put(index, "staff.md", "The moon cellar.", audience=("staff",))
    assert index.document(DocumentRequest(source="staff.md", audiences=("staff",))).text == "The moon cellar."
    refused = index.document(DocumentRequest(source="staff.md", audiences=("board",)))
    unknown = index.document(DocumentRequest(source="none.md", audiences=("board",)))
    assert (refused.title, refused.url, refused.text) == (unknown.title, unknown.url, unknown.text) == ("", "", "")


def test_asked_about_one_version_the_other_never_answers(index):
    changes = []
    for number in range(200):
        old = f"Gadget{number} charges in {number} minutes, gadget{number} is old."
        new = f"Gadget{number} charges in {number + 500} minutes."
        changes.append(change(f"v1/{number}.md", old, version="v1"))
        changes.append(change(f"v2/{number}.md", new, version="v2.0" if number % 2 else "2"))
    index.put_all(changes)
    answers = [found(index, f"how long does gadget{number} charge", version="v2") for number in range(0, 200, 2)]
    answers += [found(index, f"how long does gadget{number} charge", version="2.0") for number in range(1, 200, 2)]
    assert [source for sources in answers for source in sources if source.startswith("v1/")] == []
    assert all(
        f"v2/{number}.md" in sources for number, sources in zip([*range(0, 200, 2), *range(1, 200, 2)], answers, strict=True)
    )


def test_a_search_narrows_to_product_language_and_dates_and_keeps_what_has_none(index):
    put(index, "plain.md", "moon")
    put(index, "kite.md", "moon, one", product="Kite", language="de-AT", at=100.0)
    put(index, "sail.md", "moon, two", product="Sail", language="en", at=200.0)
    assert found(index, "moon", product="kite") == ["kite.md", "plain.md"]
    assert found(index, "moon", language="de") == ["kite.md", "plain.md"]
    assert found(index, "moon", since=150.0) == ["plain.md", "sail.md"]
    assert found(index, "moon", until=200.0) == ["kite.md", "plain.md"]


def test_many_better_passages_that_may_not_be_read_do_not_crowd_out_the_one_that_may(index):
    index.put_all([change(f"{number}.md", f"moon moon moon {number}", audience=("staff",)) for number in range(300)])
    put(index, "all.md", "A long text about other things, with one moon in it.")
    assert found(index, "moon") == ["all.md"]


def test_what_is_taken_from_the_public_is_gone_at_once_and_stays_so(tmp_path):
    index = Index(tmp_path, Setup())
    put(index, "all.md", "The moon garden.")
    put(index, "wrong.md", "The moon cellar.")
    assert found(index, "moon") == ["all.md", "wrong.md"]
    index.retag("wrong.md", Tags(audience=("staff",)))
    assert found(index, "moon") == ["all.md"]
    index.close()
    again = Index(tmp_path, Setup())
    assert (found(again, "moon"), found(again, "moon", audiences=("staff",))) == (["all.md"], ["all.md", "wrong.md"])
    again.close()


def test_a_search_that_runs_beside_a_new_secret_does_not_find_it(index, monkeypatch):
    put(index, "all.md", "The moon garden.")
    secret = threading.Thread(target=put, args=(index, "staff.md", "The moon cellar."), kwargs={"audience": ("staff",)})
    conditions = index._shard._conditions

    def looked_up(scope):
        found = conditions(scope)
        secret.start()
        secret.join(0.3)
        return found

    monkeypatch.setattr(index._shard, "_conditions", looked_up)
    assert found(index, "moon") == ["all.md"]
    secret.join()


def test_a_change_of_tags_that_was_cut_short_is_undone_before_anybody_searches(tmp_path, monkeypatch):
    index = Index(tmp_path, Setup())
    put(index, "staff.md", "The moon cellar.", audience=("staff",))
    monkeypatch.setattr(index._manifest, "retag", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        index.retag("staff.md", Tags())
    index.close()
    again = Index(tmp_path, Setup())
    assert found(again, "moon") == []
    again.close()


def test_a_change_of_language_that_was_cut_short_is_undone_as_well(tmp_path, monkeypatch):
    index = Index(tmp_path, Setup())
    put(index, "garden.md", "The gardens are watered daily.", language="en")
    monkeypatch.setattr(index._manifest, "retag", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        index.retag("garden.md", Tags(language="de"))
    index.close()
    again = Index(tmp_path, Setup())
    assert found(again, "watering") == ["garden.md"]
    again.close()


def test_an_index_of_an_older_make_is_made_anew_from_the_texts(tmp_path):
    index = Index(tmp_path, Setup())
    put(index, "staff.md", "The moon cellar.", audience=("staff",))
    index.close()
    shutil.move(tmp_path / "shard-4-en", tmp_path / "shard-en")
    again = Index(tmp_path, Setup())
    assert (found(again, "moon"), found(again, "moon", audiences=("staff",))) == ([], ["staff.md"])
    assert not (tmp_path / "shard-en").exists()
    again.close()
