"""Words and meaning together on a public set that nobody here wrote: one domain of CLINC150, ten examples an intent, the built-in
embedder. docs/routing.md has the figures of the whole sets."""

import random

import numpy as np
import pytest

from core.dialog.routing.classifier import Classifier, Guess
from core.evaluation.intents.measuring import area
from retrieval.embeddings.minilm import MiniLM
from tests.routing import sets
from tests.routing.sets import Pairs, called, grouped

SEED = 7


@pytest.fixture(scope="module")
def parts() -> dict[str, Pairs]:
    """Of one domain what is learned from, what the limit is taken from and what is in scope; and what is far from it and near."""
    whole, mine, draw = sets.clinc150(), sets.domain("credit_cards"), random.Random(SEED)
    inside = {name: [pair for pair in whole[name] if pair[1] in mine] for name in ("train", "val", "test")}
    near = [pair for pair in whole["test"] if pair[1] in sets.domain("banking")]
    return {
        "train": [(text, name) for name, texts in grouped(inside["train"]).items() for text in draw.sample(texts, 10)],
        "val": draw.sample(inside["val"], 120),
        "test": draw.sample(inside["test"], 150),
        "far": draw.sample(whole["oos_test"], 150),
        "near": draw.sample(near, 100),
    }


@pytest.fixture(scope="module")
def judged(parts: dict[str, Pairs]) -> dict[str, dict[str, list[Guess]]]:
    """What words say of each part, and what words and meaning say."""
    examples = grouped(parts["train"])
    texts = list(dict.fromkeys([*called(examples).values(), *(text for some in parts.values() for text, _ in some)]))
    vectors = dict(zip(texts, MiniLM().encode(texts), strict=True))
    both = Classifier(examples, called(examples), vectors)
    return {
        "words": {name: [both(text) for text, _ in some] for name, some in parts.items()},
        "both": {name: [both(text, vectors[text]) for text, _ in some] for name, some in parts.items()},
    }


def right(guesses: list[Guess], pairs: Pairs) -> float:
    return float(np.mean([guess.ranked[0][0] == name for guess, (_, name) in zip(guesses, pairs, strict=True)]))


def looks(guesses: list[Guess]) -> np.ndarray:
    return np.array([guess.scope for guess in guesses])


def test_meaning_understands_more_than_words_from_ten_examples(parts, judged) -> None:
    assert right(judged["both"]["test"], parts["test"]) >= 0.9
    assert right(judged["both"]["test"], parts["test"]) >= right(judged["words"]["test"], parts["test"]) + 0.02


def test_what_is_strange_is_told_apart_by_meaning_and_what_is_near_nearly_so(judged) -> None:
    for name, least in (("far", 0.99), ("near", 0.98)):
        by = {how: area(looks(some["test"]), looks(some[name])) for how, some in judged.items()}
        assert by["both"] >= least
        assert by["both"] > by["words"]


def test_a_limit_taken_from_validation_keeps_the_scope_and_refuses_the_rest(judged) -> None:
    limit = np.quantile(looks(judged["both"]["val"]), 0.05)
    assert (looks(judged["both"]["test"]) >= limit).mean() >= 0.9
    assert (looks(judged["both"]["far"]) < limit).mean() >= 0.93


def test_a_stated_confidence_is_about_how_often_it_is_right(parts, judged) -> None:
    sure = np.mean([guess.ranked[0][1] for guess in judged["both"]["test"]])
    assert abs(sure - right(judged["both"]["test"], parts["test"])) <= 0.06
