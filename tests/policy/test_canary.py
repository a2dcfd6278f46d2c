"""Roll-outs whose truth is known, and the single rules of the canary's watch."""

from dataclasses import replace

import pytest

from core.policy.canary import APART, MEASURES, Canary, Case, Limits, Pace
from core.policy.sequential import Evidence, coin, ratio
from tests.policy.rollouts import SICK, false_alarms, roll_out


def test_healthy_canaries_come_through_to_everybody() -> None:
    assert false_alarms(6) == (0, 6)


@pytest.mark.parametrize(
    ("sick", "most"),
    [("always fails", 40), ("first track never serves", 60), ("three times as slow", 150), ("three times as many tokens", 150)],
)
def test_sick_ones_are_taken_back_soon(sick: str, most: int) -> None:
    for seed in range(3):
        end = roll_out(seed, SICK[sick])
        assert end.breach, end
        assert end.canaries <= most, end


def test_nothing_worse_reaches_the_limit_as_seldom_as_promised() -> None:
    """The worst case that is still none: canaries exactly as bad as the others, nothing allowed besides."""
    reached, rounds = 0, 300
    for seed in range(rounds):
        evidence = Evidence()
        for number in range(150):
            flips = [coin(f"{seed}:{number}:{place}", 0.2) for place in range(4)]
            evidence.see(flips[0], flips[1:])
            if evidence.value >= 20:
                reached += 1
                break
    assert reached / rounds <= 1 / 20


def test_evidence_grows_with_what_goes_wrong_on_one_side_only() -> None:
    evidence = Evidence()
    evidence.see(False, [False, False])
    assert evidence.value == 1
    evidence.see(True, [True, True])
    assert evidence.value == 1
    evidence.see(True, [False, False])
    once = evidence.value
    evidence.see(False, [True, False])
    assert once > 1
    assert evidence.value < once
    assert (evidence.worse, evidence.of, evidence.others_worse, evidence.others_of) == (2, 4, 3, 8)


def test_what_is_allowed_besides_is_no_evidence() -> None:
    strict, lenient = Evidence(), Evidence()
    for number in range(400):
        bad, others = coin(f"c{number}", 0.06), [coin(f"o{number}{place}", 0.01) for place in range(3)]
        strict.see(bad, others)
        lenient.see(bad, others, allowed=[coin(f"free{number}{place}", 0.06) for place in range(3)])
    assert strict.value > 500
    assert lenient.value < 5


def case(n: int, *, canary: bool, lane: str = "", at: float = 0.0, **what) -> Case:
    return Case(f"t{n}{canary}", lane or f"l{n}{canary}", canary, at, **what)


def test_of_a_conversation_one_turn_counts_in_a_quarter_of_an_hour() -> None:
    canary = Canary(0.5)
    assert canary.see(case(1, canary=True, lane="a"))
    assert not canary.see(case(2, canary=True, lane="a", at=APART - 1))
    assert canary.see(case(3, canary=True, lane="a", at=APART))


def test_who_shouts_alone_takes_nothing_back() -> None:
    canary = Canary(0.5)
    for n in range(200):
        canary.see(case(n, canary=False))
        canary.see(case(n, canary=True, lane="one", at=float(n), unserved=True))
    assert not canary.breach


def test_a_turn_counts_on_the_side_of_its_canary_and_says_what_was_seen() -> None:
    canary = Canary(0.5)
    for n in range(60):
        canary.see(case(n, canary=False))
        canary.see(case(n, canary=True, unserved=True, passed_on=True))
    assert "60 of 60 of the canaries' turns nobody could serve (others: 0 of 60)" in canary.breach
    assert set(canary.evidence) == set(MEASURES)


def test_who_is_as_slow_as_was_measured_is_not_late() -> None:
    for promised, breached in ((1.0, True), (3.0, False)):
        canary = Canary(0.5, replace(Limits(), promised_seconds=promised))
        for n in range(120):
            canary.see(case(n, canary=False, seconds=1.0 + n % 5 / 10))
            canary.see(case(n, canary=True, seconds=3.5))
        assert ("later than allowed" in canary.breach) is breached


def test_beside_answers_that_cost_nothing_nothing_is_dear() -> None:
    canary = Canary(0.5)
    for n in range(120):
        canary.see(case(n, canary=False))
        canary.see(case(n, canary=True, tokens=4000))
    assert not canary.breach


def test_thumbs_about_turns_of_before_the_roll_out_count_for_nobody() -> None:
    canary = Canary(0.5)
    for n in range(100):
        canary.thumb(f"l{n}", f"old{n}", down=True, at=0.0)
    assert canary.evidence["down"].of == 0


def test_a_share_grows_by_its_steps_and_is_compared_with_as_many_as_there_are() -> None:
    pace = Pace()
    assert [pace.after(share) for share in (0.05, 0.1, 0.25, 0.5, 0.9)] == [0.25, 0.25, 0.5, 1.0, 1.0]
    assert [ratio(share) for share in (0.01, 0.05, 0.25, 0.5, 0.9)] == [9, 9, 2, 1, 1]
