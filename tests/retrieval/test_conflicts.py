"""Where sources that one may read say different things, both are named, and the one to be believed comes first."""

import pytest

from core.knowledge import SearchRequest
from retrieval.index import Index, Setup
from tests.retrieval.test_cells import put as put_table
from tests.retrieval.test_scope import put

OLD, NEW = "A bike may be sent back within 30 days of buying.", "A bike may be sent back within 14 days of buying."


@pytest.fixture
def index(tmp_path):
    made = Index(tmp_path, Setup())
    yield made
    made.close()


def search(index, query, **asked):
    return index.search(SearchRequest(query=query, **asked))


def said(result):
    return [[(one.value, one.passage.source) for one in conflict.said] for conflict in result.conflicts]


def test_two_tables_that_differ_are_shown_by_priority_then_date(index):
    put_table(index, "a.md", [["Model", "Price"], ["Kite", "100"]], at=100.0)
    put_table(index, "b.md", [["Model", "Price"], ["Kite", "120"]], at=200.0)
    put_table(index, "c.md", [["Model", "Price"], ["Kite", "90"]], priority=1, audience=("staff",))
    result = search(index, "price of the kite")
    assert (said(result), result.conflicts[0].about) == ([[("120", "b.md"), ("100", "a.md")]], "Kite, Price")
    assert [passage.source for passage in result.passages] == ["b.md", "a.md"]
    assert said(search(index, "price of the kite", audiences=("staff",)))[0][0] == ("90", "c.md")


def test_tables_that_agree_are_no_conflict(index):
    put_table(index, "a.md", [["Model", "Price"], ["Kite", "100"]])
    put_table(index, "b.md", [["Model", "Price", "Stock"], ["Kite", "100", "4"]])
    assert search(index, "price of the kite").conflicts == ()


def test_the_same_sentence_with_another_number_is_a_conflict_and_the_newer_one_comes_first(index):
    put(index, "a.md", OLD, at=100.0, owner="Ann")
    put(index, "b.md", f"{NEW} Bring the receipt with you, please, and the whole box as well.", at=200.0, owner="Ben")
    result = search(index, "how long can I send back a bike")
    assert said(result) == [[("14", "b.md"), ("30", "a.md")]]
    assert [one.passage.tags.owner for one in result.conflicts[0].said] == ["Ben", "Ann"]
    assert [passage.source for passage in result.passages] == ["b.md", "a.md"]


def test_of_a_conflict_with_what_one_may_not_read_nothing_is_said(index):
    put(index, "a.md", OLD)
    put(index, "b.md", NEW, audience=("staff",))
    assert search(index, "how long can I send back a bike").conflicts == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"version": "1"}, {"version": "2"}),
        ({"product": "kite"}, {"product": "sail"}),
    ],
)
def test_what_holds_for_another_product_or_version_is_no_conflict(index, one, other):
    put(index, "a.md", OLD, **one)
    put(index, "b.md", NEW, **other)
    assert search(index, "how long can I send back a bike").conflicts == ()


def test_a_number_that_belongs_to_a_name_makes_no_conflict(index):
    put(index, "a.md", "The Path 2 may be sent back within 30 days of buying.")
    put(index, "b.md", "The Path 7 may be sent back within 14 days of buying.")
    assert search(index, "how long can I send back the path").conflicts == ()
