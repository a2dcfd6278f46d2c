"""The bars of the decision on worlds whose truth is planted: a small part of `python -m tests.policy.planted`."""

from pathlib import Path

from tests.evaluation.town import town
from tests.policy.planted import coverage, live
from tests.policy.planted_pipeline import BEST, MODELS, PRICES, TRUTH, Planted, assistant_file, cases, found


def test_what_is_planted_is_found_and_ties_are_left_alone() -> None:
    tally = live(range(25))
    assert tally.found >= 0.95 * tally.gaps, tally
    assert tally.untold >= 0.90, tally
    assert tally.harmful <= 0.01 * tally.intents, tally
    assert sum(tally.routed) >= 0.97 * sum(tally.optimum), tally
    assert all(routed >= single - 0.01 for routed, single in zip(tally.routed, tally.single, strict=True)), tally


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    assert 0.92 <= coverage(range(400), cases=100) <= 0.98


async def test_one_planted_world_through_the_pipeline_is_seen_as_it_is(tmp_path: Path) -> None:
    """A provider over real HTTP; the dialog, the lanes and the log as they run."""
    truth = {name: TRUTH[name] for name in ("returns", "tied")}
    async with town(tmp_path, assistant_file(truth)) as shop:
        planted = Planted(truth, seed=2)
        shop.server.otherwise(planted.answer)
        shop.documents = {f"{name}.md": f"Every article of {name} has a code." for name in truth}
        _, run = await shop.evaluate(cases(90, truth), "prompt", "rag", "stronger", parallel=8)
        assert planted.asked == {"prompt": 180, "rag": 180, "stronger": 180}
    verdicts = found(run)
    assert verdicts["returns"] == ("better", BEST["returns"])
    assert verdicts["tied"][0] == "cannot_tell"
    for side in run.sides:
        assert abs(side.figures["quality"].value - truth[side.intent][side.track]) < 0.15
        read, written = PRICES[MODELS[side.track]]
        spent = [one for one in run.answered if one.track == side.track]
        assert sum(one.cost for one in spent) > 0
        for one in spent:
            expected = (read * one.usage.prompt_tokens + written * one.usage.completion_tokens) / 1e6
            assert abs(one.cost - expected) < 1e-12
