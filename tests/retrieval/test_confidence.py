"""A search says how probable it is that it found an answer, so that one may rather say nothing."""

import pytest

from core.knowledge import SearchRequest
from retrieval.confidence import confidence, held
from retrieval.embeddings import Embedder
from retrieval.index import Index, Setup
from tests.retrieval.fakes import Counting
from tests.retrieval.test_cells import put as put_table
from tests.retrieval.test_scope import put


@pytest.fixture
def index(tmp_path):
    made = Index(tmp_path, Setup())
    put(made, "moon.md", "The moon garden opens at seven and closes at nine, also on holidays.")
    yield made
    made.close()


def sure(index, query, **asked):
    return index.search(SearchRequest(query=query, **asked)).confidence


def test_a_question_whose_words_are_there_is_surer_than_one_that_shares_one(index):
    assert sure(index, "When does the moon garden open?") > 0.8
    assert sure(index, "Who designed the moon rocket engine for Saturn?") < 0.3
    assert sure(index, "zebra") == 0.0


def test_what_was_said_before_counts_half(index):
    assert sure(index, "Is it open on holidays?", before="moon garden") > sure(
        index, "Is it open on holidays?", before="tax law"
    )


def test_nearer_in_meaning_or_more_words_held_is_never_less_sure():
    steps = [step / 10 for step in range(11)]
    for fixed in (0.2, 0.8):
        assert sorted(grown := [confidence(fixed, cosine) for cosine in steps]) == grown
        assert sorted(grown := [confidence(share, fixed) for share in steps]) == grown
    assert sorted(grown := [confidence(share, None) for share in steps]) == grown


def test_no_words_are_held_of_a_question_without_any():
    assert held("?!", "", "The moon garden", "en") == 0.0


def test_the_cosines_of_an_embedder_that_nobody_measured_are_not_believed(tmp_path, index):
    other = Index(tmp_path / "other", Setup(embedder=Embedder("counting", Counting())))
    put(other, "moon.md", "The moon garden opens at seven and closes at nine, also on holidays.")
    while other.embed_some():
        pass
    assert sure(other, "When does the moon garden open?") == sure(index, "When does the moon garden open?")
    other.close()


def test_an_exact_cell_is_an_answer(index):
    put_table(index, "prices.md", [["Model", "Price"], ["Kite", "100"]])
    assert sure(index, "price of the kite") == 1.0


def test_what_was_said_before_helps_to_find_what_is_meant(index):
    put(index, "sun.md", "The sun terrace opens at eight and closes at ten.")
    first = index.search(SearchRequest(query="When does it open?", before="Tell me about the sun terrace", k=1)).passages[0]
    assert first.source == "sun.md"
    both = index.search(SearchRequest(query="moon garden", before="Tell me about the sun terrace", k=1)).passages[0]
    assert both.source == "moon.md"


def test_what_was_said_earlier_turns_the_balance_but_not_the_question(index):
    put(index, "sun.md", "The sun terrace opens at eight and closes at ten.")
    put(index, "again.md", "The moon terrace opens at eight and closes at ten.")

    def first(query, earlier):
        return index.search(SearchRequest(query=query, earlier=earlier, k=1)).passages[0].source

    assert first("When does the terrace open?", "Tell me about the sun") == "sun.md"
    assert first("When does the terrace open?", "Tell me about the moon") == "again.md"
    assert first("When does the moon garden open?", "Tell me about the sun terrace") == "moon.md"


def test_a_question_that_stands_alone_is_as_sure_as_without_what_was_said_earlier(index):
    question = "When does the moon garden open?"
    assert sure(index, question, earlier="Who is the chancellor of Austria?") == sure(index, question)
