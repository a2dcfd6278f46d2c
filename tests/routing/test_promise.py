"""A stated risk: kept where it is promised, and refused with a number where too little is known."""

import random

import pytest

from core.policy.promise import holds, least_answered, promise


def world(seed: int, size: int, base: float) -> list[tuple[float, bool]]:
    """Messages with a confidence c between 0 and 1, wrong with the chance 2 · base · (1 - c)."""
    draw = random.Random(seed)
    return [(sure, draw.random() >= 2 * base * (1 - sure)) for sure in (draw.random() for _ in range(size))]


@pytest.mark.parametrize("base", [0.04, 0.1, 0.2])
def test_in_a_thousand_worlds_the_promise_is_broken_no_oftener_than_stated(base: float) -> None:
    """Of what is answered from the threshold on, the share base · (1 - threshold) is wrong in truth."""
    made = [promise(world(seed, 300, base), 0.05) for seed in range(350)]
    broken = [base * (1 - one.threshold) > 0.05 for one in made if one.threshold is not None]
    assert len(broken) > 5
    assert sum(broken) <= 0.1 * len(made)


def test_a_router_that_is_right_is_allowed_to_answer_nearly_everything() -> None:
    found = promise(world(1, 400, 0.02), 0.05)
    assert found.threshold is not None
    assert found.answered > 0.9 * found.of


def test_the_exact_bound_is_the_one_of_the_tables() -> None:
    assert holds(100, 1, 0.05, 0.9)
    assert not holds(100, 2, 0.05, 0.9)
    assert holds(400, 14, 0.05, 0.9)
    assert not holds(400, 15, 0.05, 0.9)
    assert least_answered(0.05, 0.9) == 45


def test_too_few_messages_allow_no_promise_and_it_says_how_many_more_are_needed() -> None:
    found = promise([(0.9, True)] * 30, 0.05)
    assert found.threshold is None
    assert found.more is not None
    assert "more are needed" in str(found)
    assert promise([(0.9, True)] * (30 + found.more), 0.05).threshold is not None
    assert promise([], 0.05).more == 45


def test_where_even_the_surest_are_wrong_no_number_of_messages_is_promised_to_help() -> None:
    found = promise([(0.9, n % 3 > 0) for n in range(300)], 0.05)
    assert (found.threshold, found.more) == (None, None)
    assert "wrong too often" in str(found)


def test_who_errs_where_surest_is_promised_nothing_though_the_rest_would_make_up_for_it() -> None:
    surest = [(0.9 + n / 1000, n % 10 > 0) for n in range(90)]
    rest = [(0.5 + n / 2000, True) for n in range(500)]
    assert holds(len(surest + rest), 9, 0.05, 0.9)
    assert promise(surest + rest, 0.05).threshold is None


def test_messages_of_the_same_confidence_are_answered_or_not_together() -> None:
    found = promise([(0.9, True)] * 60 + [(0.5, False)] * 60, 0.05)
    assert (found.threshold, found.answered, found.wrong) == (0.9, 60, 0)
