"""Who notices that a document has changed, with services of their own in a scratch world; the owner's documents stay as they are."""

from pathlib import Path

import pytest

from core.evaluation.lines import BadQuestions
from core.evaluation.tracks.records import Case, Change
from tests.evaluation.town import RETURNS, Town, town
from tests.fakes.openai_server import Asked

CHANGE = Change(source="returns.md", old="30 days", new="45 days")
CASE = Case(id="r", question="How long may I return a bike?", claims=(("30 days",),), intent="returns", change=CHANGE)


@pytest.fixture
async def shop(tmp_path: Path):
    async with town(tmp_path) as made:
        made.server.otherwise(reading)
        yield made


def reading(asked: Asked) -> str:
    """What stands in the passages, else what it learned once."""
    found = next((days for days in ("45 days", "30 days") if days in asked.question), "30 days")
    return f"You may return bikes within {found} [1]."


async def test_a_track_that_reads_says_the_new_value_and_one_that_remembers_says_the_old(shop: Town) -> None:
    kept, run = await shop.evaluate([CASE], "prompt", "rag")
    found = {one.track: one for one in run.answered}
    assert (found["rag"].stale, found["rag"].fresh) == (False, True)
    assert (found["prompt"].stale, found["prompt"].fresh) == (True, False)
    assert found["rag"].again.startswith("You may return bikes within 45 days")
    assert {side.track: side.figures["stale"].value for side in run.sides} == {"rag": 0.0, "prompt": 1.0}
    assert shop.documents["returns.md"] == RETURNS
    assert not (kept.folder / "scratch").exists()
    assert run.spent == pytest.approx(sum(one.paid for one in run.answered))
    asked = len(shop.server.asked)
    assert asked == 6
    (kept.folder / "run.json").unlink()
    await shop.evaluate([CASE], "prompt", "rag")
    assert len(shop.server.asked) == asked


async def test_words_that_do_not_stand_in_the_document_are_told_before_anybody_is_asked(shop: Town) -> None:
    wrong = Case(id="w", question="How long?", claims=(("7 days",),), change=Change(source="returns.md", old="7 days", new="8"))
    with pytest.raises(BadQuestions, match="does not stand in"):
        await shop.evaluate([wrong], "rag")
    assert shop.server.asked == []
