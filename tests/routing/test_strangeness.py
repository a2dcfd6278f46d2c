"""What makes a message strange: its words and its meaning, each beside what is usual among the examples."""

import numpy as np
import pytest

from core.dialog.routing.classifier import Classifier
from tests.core.test_routing import INTENTS

TOPIC, STYLE = 0.5, 0.6


def vector(topic: int, style: float, *, draw: np.random.Generator | None = None) -> np.ndarray:
    """Of a subject, said in a way that has nothing to do with it; `topic` 9 is one that no intent has."""
    row = np.zeros(12, np.float32)
    row[topic], row[11] = TOPIC, style
    if draw is not None:
        row += draw.normal(0, 0.05, 12).astype(np.float32)
    return row


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    """Its examples are said in many ways."""
    draw = np.random.default_rng(3)
    vectors = {
        text: vector(place, float(draw.normal(0, STYLE)), draw=draw)
        for place, texts in enumerate(INTENTS.values())
        for text in texts
    }
    return Classifier(INTENTS, None, vectors)


def test_a_known_subject_said_in_an_unusual_way_is_less_strange_than_a_strange_one_in_the_usual_way(classifier) -> None:
    assert classifier("how much", vector(1, 5 * STYLE)).scope > classifier("how much", vector(9, 0)).scope


def test_of_two_messages_that_mean_the_same_the_one_in_unknown_words_is_stranger(classifier) -> None:
    assert classifier("shipping to Vienna", vector(1, 0)).scope > classifier("zzz qqq", vector(1, 0)).scope


def test_a_subject_that_no_intent_has_is_stranger_than_nearly_all_examples(classifier) -> None:
    assert classifier("zzz qqq", vector(9, 0)).scope < 0.05


def test_new_messages_look_as_strange_as_the_examples_did_when_they_were_held_out() -> None:
    """Though there are more dimensions than examples, in which any example looks familiar to what has learned from it."""
    draw = np.random.default_rng(4)

    def vector_of(topic: int) -> np.ndarray:
        row = draw.normal(0, 0.1, 300).astype(np.float32)
        row[topic] += 1
        return row / np.linalg.norm(row)

    def text() -> str:
        return "say " + "".join(draw.choice([*"abcdefghijklmnopqrstuvwxyz"], 8))

    examples = {f"intent {topic}": [text() for _ in range(15)] for topic in range(4)}
    vectors = {said: vector_of(topic) for topic, texts in enumerate(examples.values()) for said in texts}
    made = Classifier(examples, None, vectors)
    scopes = [made(text(), vector_of(n % 4)).scope for n in range(200)]
    assert np.mean([scope < 0.2 for scope in scopes]) < 0.4
