"""Advice: where to start, on what it rests, and what to measure first."""

import pytest

from core.policy.advice import CRITERIA, advise, rules

USUAL = {
    "volatility": "months",
    "volume": "medium",
    "real_time": "no",
    "form": "free",
    "sources": "no",
    "budget": "medium",
    "latency": "seconds",
    "privacy": "open",
    "examples": "none",
    "fixed": "no",
    "risk": "low",
}
ALL = ("template", "prompt", "rag", "tuned", "hybrid")


def advised(*, runs=ALL, **answers: str):
    return advise("any", {**USUAL, **answers}, rules(), runs=runs)


def names(advice) -> set[str]:
    return {rule.name for rule in advice.because}


def test_every_rule_asks_for_answers_there_are_speaks_of_tracks_there_are_and_names_its_source() -> None:
    for rule in rules():
        assert {*rule.points, *rule.never} <= {*ALL}, rule.name
        assert all({*values} <= {*CRITERIA[criterion]} for criterion, values in rule.when.items()), rule.name
        assert rule.claim.endswith("."), rule.name
        assert rule.source, rule.name
    assert len({rule.name for rule in rules()}) == len(rules())


def test_every_answer_but_one_changes_something() -> None:
    """What no rule asks for need not be asked of the owner."""
    used = {criterion for rule in rules() for criterion in rule.when}
    assert used == {*CRITERIA}


@pytest.mark.parametrize(
    ("answers", "first", "rule"),
    [
        ({}, "rag", "facts"),
        ({"fixed": "yes"}, "template", "fixed"),
        ({"volatility": "minutes"}, "rag", "fresh"),
        ({"sources": "yes"}, "rag", "sources"),
        ({"form": "tone", "examples": "many"}, "hybrid", "form"),
        ({"form": "tone", "examples": "many", "privacy": "inside"}, "rag", "private"),
        ({"form": "tone"}, "rag", "facts"),
        ({"real_time": "yes"}, "rag", "live"),
        ({"risk": "high"}, "rag", "risk"),
    ],
)
def test_an_intent_starts_where_its_answers_point(answers: dict[str, str], first: str, rule: str) -> None:
    found = advised(**answers)
    assert found.tracks[0] == first
    assert rule in names(found)


def test_what_cannot_run_is_not_started_with_but_may_be_what_to_measure_first() -> None:
    found = advised(form="format", examples="many", runs=("template", "rag"))
    assert found.tracks == ("rag",)
    assert (found.first, found.built) == ("hybrid", False)


def test_what_changes_or_is_private_is_never_trained_in() -> None:
    for answers in ({"volatility": "days"}, {"privacy": "inside"}):
        found = advised(form="tone", examples="many", volume="high", **answers)
        assert "tuned" not in (*found.tracks, found.first)


def test_fixed_words_leave_nothing_to_measure() -> None:
    assert advised(fixed="yes").first == ""
