"""`turnout routes advise`, as an owner without data meets it."""

import re

import pytest

from tests.routes.shop import Shop


async def test_advice_is_given_by_answers_and_comes_into_force_as_an_opinion(shop: Shop) -> None:
    (shop.folder / "answers.toml").write_text('volume = "high"\n[intents.prices]\nreal_time = true\n')
    told = await shop.says("advise", "--answers", str(shop.folder / "answers.toml"), "--set", "returns:sources=no")
    assert re.search(r"hello +template ", told)
    assert re.search(r"returns +rag → prompt ", told)
    assert re.search(r"prices +rag +.*questions tell 10 points", told)
    assert "published finding: Ovadia et al. 2023" in told
    assert "give it a track of your own in [tracks]" in told
    assert "version 1, canary" in await shop.says("apply")
    assert re.search(r"prices +rag +an opinion \(the assistant", await shop.says("show"))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("speed=high", "'speed' is no criterion"),
        ("volume=huge", "volume is one of low, medium, high"),
        ("rentals:volume=low", "no intent 'rentals'"),
        ("volume", "write CRITERION=ANSWER"),
    ],
)
async def test_answers_that_are_none_are_named(shop: Shop, given: str, told: str) -> None:
    assert told in await shop.refuses("advise", "--set", given)
