"""A question that names a product or a version is answered from that one, and one that names none from all."""

import pytest

from core.knowledge import SearchRequest, Tags
from retrieval.index import Index, Setup
from retrieval.manifest import Row
from retrieval.readers.contract import LoadedDocument, Writer
from retrieval.splitting import split


@pytest.fixture
def index(tmp_path):
    made = Index(tmp_path, Setup())
    for version in ("1", "v2", "2.1", "2.1-beta", "nightly"):
        put(made, f"kite/{version}", "The lamp charges at night.", product="Kite", version=version)
    put(made, "max", "The lamp charges at noon.", product="Kite Max")
    put(made, "plain", "A lamp charges.")
    yield made
    made.close()


def put(index, source, text, rows=(), **tags):
    writer = Writer()
    writer.block(text)
    writer.table([*rows])
    extract = writer.extract()
    document = LoadedDocument(source, "", extract.text, tables=extract.tables)
    index.put(document, split(document), row=Row(source, 0, source, "command", "hash", "", "", 0, 0.0, Tags(**tags)))


def asked(index, query, **more):
    return index.search(SearchRequest(query=query, k=50, **more))


def versions(index, query, **more):
    """Those of the passages found, of the Kite alone."""
    return {p.source.removeprefix("kite/") for p in asked(index, query, **more).passages if p.source.startswith("kite/")}


ALL = {"1", "v2", "2.1", "2.1-beta", "nightly"}


@pytest.mark.parametrize(
    ("query", "searched"),
    [
        ("When does the lamp charge in v2?", {"v2"}),
        ("Lamp in Version 2.1.", {"2.1"}),
        ("Lampe laden in Version 2.1? lamp", {"2.1"}),
        ("When does the Kite 1 lamp charge?", {"1"}),
        ("Is the lamp of v1 or v2.1 better?", {"1", "2.1"}),
        ("I go from version 1 to 2: the lamp?", {"1", "v2"}),
        ("The lamp of versions 1, 2 and 2.1", {"1", "v2", "2.1"}),
        ("lamp, release v2.1-beta", {"2.1-beta"}),
        ("the lamp in 2.1-beta", {"2.1-beta"}),
        ("the lamp in the nightly version", {"nightly"}),
        ("version2的 lamp", {"v2"}),
        ("Does the lamp charge 2 times?", ALL),
        ("Is the lamp's nightly charge 2.1 hours?", ALL),
        ("When does the lamp charge in v3?", ALL),
        ("When does the lamp charge in v2.1.7?", ALL),
    ],
)
def test_the_versions_that_a_question_names_are_searched_and_no_other(index, query, searched):
    assert versions(index, query) == searched


def test_a_product_is_named_by_its_whole_name(index):
    assert {p.source for p in asked(index, "the lamp of the kite max").passages} == {"max", "plain"}
    assert "max" not in {p.source for p in asked(index, "the Kite's lamp").passages}
    assert "max" in {p.source for p in asked(index, "lamps of kites").passages}


def test_what_is_marked_with_nothing_is_found_under_every_name(index):
    assert "plain" in {p.source for p in asked(index, "the lamp in v2").passages}


def test_the_answer_tells_what_it_was_narrowed_to(index):
    assert asked(index, "Kite v1 or v2, the lamp").narrowed == "product kite, version 1, version 2"
    assert asked(index, "the lamp").narrowed == ""


def test_a_follow_up_is_about_what_was_named_before_unless_it_names_another(index):
    assert versions(index, "and the lamp?", before="How does the Kite v2 charge?") == {"v2"}
    assert versions(index, "and the lamp in v1?", before="How does the Kite v2 charge?") == {"1"}
    assert asked(index, "and in v1?", before="How does the Kite v2 charge?").narrowed == "product kite, version 1"
    assert asked(index, "and the Kite Max?", before="How does the lamp of v2 charge?").narrowed == "product kite max"


def test_what_was_said_earlier_to_a_question_that_stands_alone_narrows_nothing(index):
    assert versions(index, "When does the lamp charge?", earlier="How does the Kite v2 charge?") == ALL


def test_what_is_asked_for_by_its_mark_is_not_looked_for_in_the_words(index):
    assert versions(index, "the lamp: was it in v1?", version="2") == {"v2"}


def test_a_name_that_the_asker_may_not_read_of_narrows_nothing_and_is_not_told(index):
    put(index, "secret", "The lamp of the Zeppelin.", product="Zeppelin", version="9", audience=("staff",))
    public, staff = (asked(index, "The Zeppelin's lamp, v9", audiences=audiences) for audiences in ((), ("staff",)))
    assert (public.narrowed, len(public.passages)) == ("", len(ALL) + 2)
    assert (staff.narrowed, {p.source for p in staff.passages}) == ("product zeppelin, version 9", {"secret", "plain"})


def test_a_version_whose_last_document_went_narrows_nothing(index):
    index.remove("kite/1")
    assert asked(index, "the lamp in v1").narrowed == ""


def test_a_cell_is_that_of_the_version_that_was_named(index):
    for version in "12":
        rows = [["Part", "Price"], ["Bulb", f"{version}0 euros"]]
        put(index, f"prices/{version}", "Parts", rows, product="Kite", version=version)
    assert asked(index, "What does the bulb cost?").cells == ()
    assert [cell.value for cell in asked(index, "What does the bulb cost in v2?").cells] == ["20 euros"]
