"""The rule by which a track takes an intent over, on worlds whose truth is known and on single cases."""

import pytest

from core.policy.decision import DEFAULT, Rules, Score, Trial, Weights, decide
from core.policy.planning import needs
from tests.policy.worlds import live


def scores(qualities, *, cost: float = 0.0, seconds: float = 0.0, stale: float = 0.0, **more) -> list[Score]:
    return [Score(f"q{n}", float(q), cost=cost, seconds=seconds, stale=stale, **more) for n, q in enumerate(qualities)]


def verdict(prompt: list[Score], rag: list[Score], *, risk: str = "high", rules: Rules = DEFAULT, **more):
    return decide({"returns": Trial(risk, "prompt", {"prompt": prompt, "rag": rag}, **more)}, rules)["returns"]


def test_by_the_rule_hardly_an_intent_is_switched_for_worse_and_by_the_highest_mean_many_are() -> None:
    ours, naive, _ = live(range(10), cases=100)
    assert ours.harmful / ours.intents < 0.015, ours
    assert naive.harmful / naive.intents > 0.06, naive
    assert ours.gained / ours.intents > 2.0, ours


def test_where_no_track_is_better_next_to_nothing_is_switched() -> None:
    ours, naive, _ = live(range(5), cases=100, spread=0.0)
    assert ours.switched / ours.intents < 0.05, ours
    assert naive.switched / naive.intents > 0.5, naive


def test_more_cases_gain_more() -> None:
    some, _, _ = live(range(3), cases=60)
    many, _, _ = live(range(3), cases=300)
    assert many.gained > some.gained + 1


def test_high_risk_intents_switch_on_their_own_evidence_only() -> None:
    low, _, _ = live(range(4), cases=150)
    high, _, _ = live(range(4), cases=150, risk="high")
    assert 0 < high.switched < low.switched
    assert high.harmful == 0


def test_a_clear_difference_is_taken_and_says_why() -> None:
    found = verdict(scores([0, 1] * 60), scores([1] * 120))
    assert (found.kind, found.track) == ("better", "rag")
    assert found.why.startswith("better: +0.500 utility on 120 cases")
    assert 0.4 < found.low < 0.5 < found.high < 0.6


def test_with_too_few_real_cases_nothing_is_told_however_good_it_looks() -> None:
    few = verdict(scores([0] * 40), scores([1] * 40))
    assert (few.kind, few.track, few.more) == ("cannot_tell", "prompt", 10)
    invented = verdict(scores([0] * 90, real=False), scores([1] * 90, real=False))
    assert (invented.kind, invented.more) == ("cannot_tell", 50)


def test_what_cannot_be_told_yet_says_how_many_more_cases_it_takes() -> None:
    found = verdict(scores([0, 1, 1] * 20), scores([1, 0, 1] * 19 + [1, 1, 1]))
    assert (found.kind, found.track) == ("cannot_tell", "prompt")
    assert found.more >= 30
    assert f"about {found.more} more cases" in found.why


def test_what_cannot_be_told_and_would_not_matter_asks_for_no_more_cases() -> None:
    same = [1, 1, 0, 1] * 150
    found = verdict(scores(same), scores(same))
    assert (found.kind, found.track, found.more) == ("cannot_tell", "prompt", 0)
    assert "whichever is better, it is not better by 0.05, so more cases are not worth asking" in found.why


def test_who_is_worse_leaves_the_default_where_it_is() -> None:
    found = verdict(scores([1] * 120), scores([0, 1] * 60))
    assert (found.kind, found.track, found.more) == ("keep", "prompt", 0)
    assert found.why.startswith("worse: -0.500 utility on 120 cases")


def test_of_several_challengers_one_that_more_cases_may_decide_speaks_before_one_that_they_would_not() -> None:
    same, close = [1, 0] * 30, [0, 1] * 29 + [1, 1]
    tracks = {"prompt": scores(same), "twin": scores(same), "rag": scores(close), "bad": scores([0] * 60)}
    found = decide({"returns": Trial("low", "prompt", tracks)})["returns"]
    assert (found.kind, found.challenger) == ("cannot_tell", "rag")
    assert found.more > 0


def test_the_more_challengers_there_are_the_surer_one_must_be() -> None:
    default, luckier = scores([0] * 12 + [1] * 5 + [1, 0] * 80), scores([1] * 12 + [0] * 5 + [1, 0] * 80)
    alone = decide({"returns": Trial("low", "prompt", {"prompt": default, "rag": luckier})})["returns"]
    assert 0.95 < alone.chance < 0.98, alone
    assert alone.kind == "better"
    crowd = {f"own{n}": scores([0] * 177) for n in range(6)}
    among = decide({"returns": Trial("low", "prompt", {"prompt": default, "rag": luckier} | crowd)})["returns"]
    assert (among.kind, among.challenger) == ("cannot_tell", "rag")
    assert among.chance > 0.95


def test_who_is_not_worse_and_cheaper_takes_over() -> None:
    same = [1, 1, 0, 1] * 150
    found = verdict(scores(same, cost=0.02), scores(same, cost=0.01))
    assert (found.kind, found.track) == ("cheaper", "rag")
    assert "50% cheaper" in found.why
    assert verdict(scores(same, cost=0.02), scores(same, cost=0.018)).track == "prompt"
    quicker = verdict(scores(same, seconds=3.0), scores(same, seconds=2.0))
    assert (quicker.kind, "33% faster at the 95th percentile" in quicker.why) == ("cheaper", True)


def test_who_is_cheaper_and_perhaps_worse_does_not() -> None:
    found = verdict(scores([1, 1, 0, 1] * 40, cost=0.02), scores([1, 0, 0, 1] * 40, cost=0.01))
    assert found.track == "prompt"


def test_who_breaches_a_constraint_is_out_however_good() -> None:
    good, bad = scores([1] * 120), scores([0] * 120)
    found = verdict(bad, good, breaches={"rag": "its model runs outside the country"})
    assert (found.kind, found.track) == ("keep", "prompt")
    assert "outside the country" in found.why
    few = verdict(good[:9], bad[:9], breaches={"prompt": "too dear"})
    assert (few.kind, few.track, few.more) == ("cannot_tell", "prompt", 41)
    assert "the default is out: prompt: too dear" in few.why
    neither = verdict(bad, good, breaches={"rag": "too slow", "prompt": "too dear"})
    assert (neither.kind, neither.track) == ("infeasible", "prompt")
    given_way = verdict(good, bad, breaches={"prompt": "too dear"})
    assert (given_way.kind, given_way.track) == ("forced", "rag")


def test_cases_of_one_conversation_are_no_evidence_each() -> None:
    one_talk = verdict(scores([0] * 120, cluster="talk"), scores([1] * 120, cluster="talk"))
    assert one_talk.kind == "cannot_tell"
    talks = [Score(f"q{n}", float(n % 12 < 7), cluster=f"talk{n // 12}") for n in range(120)]
    others = [Score(f"q{n}", float(n // 12 % 2), cluster=f"talk{n // 12}") for n in range(120)]
    assert verdict(talks, others).kind == "cannot_tell"


@pytest.mark.parametrize(("staleness", "kind"), [(1.0, "better"), (0.0, "cannot_tell")])
def test_outdated_answers_count_where_the_truth_changes(staleness: float, kind: str) -> None:
    right = [1, 1, 0, 1] * 40
    found = verdict(scores(right, stale=1.0), scores(right), rules=Rules(weights=Weights(stale=0.3)), staleness=staleness)
    assert found.kind == kind


def test_an_intent_nobody_measured_keeps_its_default() -> None:
    found = decide({"returns": Trial("low", "prompt", {"prompt": scores([1] * 99)})})["returns"]
    assert (found.kind, found.track, found.why) == ("keep", "prompt", "no other track was measured")


def test_a_plan_asks_more_for_small_differences_and_for_high_risk() -> None:
    risks = {f"intent{n}": "low" for n in range(3)} | {f"risky{n}": "high" for n in range(30)}
    ten, five = ({need.intent: need.cases for need in needs(risks, points)} for points in (10, 5))
    assert 150 <= ten["intent0"] <= 300
    assert 400 <= ten["risky0"] <= 600
    assert 650 <= five["intent0"] <= 2000
    assert five["risky0"] > five["intent0"]
