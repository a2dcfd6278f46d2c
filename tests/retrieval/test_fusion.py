"""Fusion: what both legs like comes first, and what neither has a reason for does not come at all."""

from core.assistant import Knowledge
from retrieval import embeddings
from retrieval.fusion import Weights, fuse, lift, weights


def order(lexical, dense, weights, bare=frozenset(), held=1.0):
    return [key for key, _ in fuse(lexical, dense, weights=weights, bare=bare, held=held)]


def test_what_both_legs_found_beats_what_one_found():
    dense = [("b", 0.9), ("both", 0.8), ("far", 0.1)]
    assert order([("a", 9.0), ("both", 8.0)], dense, Weights())[0] == "both"


def test_a_passage_without_a_vector_is_not_outranked_for_that():
    lexical, dense = [("new", 9.0), ("old", 7.0)], [("old", 0.6), ("far", 0.1)]
    assert order(lexical, dense, Weights())[0] == "old"
    assert order(lexical, dense, Weights(), {"new"})[0] == "new"


def test_a_passage_gains_from_a_document_that_fits_well():
    scored = [("other", 0.8), ("returns 1", 0.75), ("returns 2", 0.7), ("other 2", 0.1)]
    lifted = [key for key, _ in lift(scored, document=lambda key: key.split()[0])]
    assert lifted == ["returns 1", "other", "returns 2", "other 2"]


def test_a_leg_without_weight_changes_nothing():
    assert order([("a", 9.0), ("b", 5.0)], [("b", 0.9)], Weights(dense=0.0)) == ["a", "b"]


def test_far_passages_without_a_common_word_are_left_out():
    dense = [("near", 0.5), ("far", 0.1), ("shared", 0.05)]
    assert set(order([("shared", 1.0)], dense, Weights(floor=0.3))) == {"shared", "near"}


def test_the_less_of_the_question_its_words_hold_the_less_they_count():
    lexical, dense = [("shared", 9.0)], [("meant", 0.4), ("shared", 0.2)]
    assert order(lexical, dense, Weights())[0] == "shared"
    assert order(lexical, dense, Weights(), held=0.2)[0] == "meant"
    assert order(lexical, [("far", 0.3)], Weights(), {"shared"}, held=0.2)[0] == "far"


def test_where_words_hold_little_what_is_less_near_may_come_but_not_where_nothing_is():
    dense = [("near", 0.35), ("less", 0.2), ("far", 0.05)]
    assert set(order([("shared", 1.0)], dense, Weights(floor=0.3), held=0.3)) == {"shared", "near", "less"}
    assert set(order([("shared", 1.0)], dense[1:], Weights(floor=0.3), held=0.3)) == {"shared"}


def test_words_alone_count_without_an_embedder_and_an_owners_weight_is_taken():
    minilm = embeddings.find(Knowledge())
    assert weights(None) == Weights(dense=0.0)
    assert (weights(minilm, 0.7).lexical, weights(minilm, 0.7).floor) == (0.7, weights(minilm).floor)
