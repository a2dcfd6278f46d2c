"""The mathematics against what is known of it: textbooks, counting, and repetition."""

import math

import numpy as np
import pytest

from core.policy.believing import prior, rivals, shrink
from core.policy.statistics import (
    Effect,
    binomial_tail,
    bootstrap,
    effect,
    holm,
    mcnemar,
)


@pytest.mark.parametrize(("wins", "losses", "p"), [(15, 5, 0.020695), (5, 5, 0.623047), (0, 8, 1.0), (8, 0, 1 / 256)])
def test_wins_against_losses_are_counted_exactly(wins: int, losses: int, p: float) -> None:
    assert mcnemar(wins, losses) == pytest.approx(p, abs=1e-6)


def test_a_tail_is_the_sum_of_what_may_happen() -> None:
    of, chance = 12, 0.3
    every = [math.comb(of, k) * chance**k * (1 - chance) ** (of - k) for k in range(of + 1)]
    for least in range(of + 2):
        assert binomial_tail(least, of, chance) == pytest.approx(sum(every[least:]), abs=1e-12)


def test_corrected_for_how_many_are_asked_only_the_strong_are_believed() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005], 0.05) == [True, False, False, True]
    assert holm([], 0.05) == []


def test_an_interval_holds_the_truth_as_often_as_it_says_also_by_clusters() -> None:
    dice, held = np.random.default_rng(3), 0
    for round in range(200):
        talks = dice.normal(0.1, 0.3, 40)
        values = np.repeat(talks, 5) + dice.normal(0, 0.2, 200)
        low, high = bootstrap(values.tolist(), np.repeat(np.arange(40), 5).tolist(), level=0.9, seed=round, resamples=400)
        held += low <= 0.1 <= high
    assert 0.84 <= held / 200 <= 0.95


def test_cases_of_one_cluster_count_once() -> None:
    alone, together = effect([1.0, 0.0] * 50, range(100)), effect([1.0, 0.0] * 50, [n // 10 for n in range(100)])
    assert alone.mean == together.mean == 0.5
    twice = effect([1.0] * 50 + [0.0] * 50, [n // 10 for n in range(100)])
    assert twice.error > 2 * alone.error
    assert effect([1.0, 1.0], ["same", "same"]).error == math.inf


def test_a_few_cases_are_pulled_towards_what_the_others_show_and_many_are_not() -> None:
    others = [Effect(0.02 * (n % 5 - 2), 0.03, 100, 100) for n in range(20)]
    few, many = shrink([*others, Effect(0.3, 0.15, 20, 20), Effect(0.3, 0.01, 3000, 3000)])[-2:]
    assert 0 < few.mean < 0.12
    assert many.mean > 0.28
    assert (few.positive < 0.95, many.positive > 0.999) == (True, True)


def test_intents_that_look_alike_are_not_believed_to_be_the_same() -> None:
    """An estimated spread of none would make every intent certain at once."""
    alike = shrink([Effect(0.03, 0.08, 50, 50)] * 30)
    assert all(belief.positive < 0.95 for belief in alike)


def test_of_nothing_measured_nothing_is_believed() -> None:
    assert [belief.positive for belief in shrink([Effect(0.0, math.inf, 0, 0)])] == [0.0]


def measured(values: list[float], *others: list[float]) -> list[Effect]:
    return [effect(some, range(len(some))) for some in (values, *others)]


def test_where_every_challenger_looks_better_the_default_was_unlucky() -> None:
    """Each is measured against the same answers of the default: what is common to all is its luck, not theirs."""
    dice = np.random.default_rng(5)
    luck, own = dice.normal(0, 0.5, 100), [dice.normal(0, 0.1, 100) for _ in range(3)]
    unlucky = luck - luck.mean() + 0.1
    alike = measured(*((unlucky + mine).tolist() for mine in own))
    usual = prior([Effect(0.04 * (n % 3 - 1), 0.02, 300, 300) for n in range(30)])
    alone, together = rivals(alike[:1], [usual])[0], rivals(alike, [usual] * 3)[0]
    assert together.positive < alone.positive
    apart = [effect((dice.normal(0, 0.5, 100) + 0.0).tolist(), range(1000, 1100)) for _ in range(2)]
    beside = rivals([alike[0], *apart], [usual] * 3)[0]
    assert beside.positive == pytest.approx(alone.positive, abs=1e-9), "what shares no case says nothing"


def test_one_challenger_alone_is_believed_as_its_intents_are() -> None:
    some = [Effect(0.02 * n, 0.03, 100, 100) for n in range(5)]
    shared = prior(some)
    assert [rivals([one], [shared])[0] for one in some] == shrink(some)


def test_twins_of_the_default_and_of_each_other_are_no_trouble() -> None:
    same = measured([0.0] * 60, [0.0] * 60, [0.0, 1.0] * 30)
    believed = rivals(same, [prior([one]) for one in same])
    assert [one.positive for one in believed[:2]] == pytest.approx([0.5, 0.5], abs=0.01)
    assert believed[2].positive > 0.99
