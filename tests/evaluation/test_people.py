"""A person's answers, read from a file, stand beside the tracks with what they cost and how long they took."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lxml import html
from msgspec.structs import replace

from core.errors import ConfigError
from core.evaluation.lines import BadQuestions
from core.evaluation.tracks import report
from core.evaluation.tracks.summary import summary
from tests.evaluation.town import CASES, FILE, Town, town

PAID = FILE + "[measure.person]\nminute = 0.6\n"
SPOKEN = [
    {"question": "How long may I return a bike?", "answer": "Within 30 days.", "seconds": 40},
    {"id": "r2", "answer": "Yes, helmets must be unworn.", "seconds": 20},
    {"id": "p1", "answer": "I would have to look that up.", "seconds": 90},
    {"id": "gone", "answer": "To another question.", "seconds": 9},
]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path, PAID) as made:
        made.server.otherwise("I think it is 14 days.")
        yield made


def spoken(shop: Town, rows: list[dict[str, object]], name: str = "people.jsonl") -> Path:
    path = shop.folder / name
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def words(run) -> str:
    return " ".join(html.fromstring(report.page(run)).text_content().split())


async def test_what_a_person_said_is_marked_like_any_answer_and_costs_its_minutes(shop: Town) -> None:
    _, run = await shop.evaluate(CASES, "prompt", person=spoken(shop, SPOKEN))
    people = {one.case: one for one in run.answered if one.track == "person"}
    assert {case: one.grades.quality for case, one in people.items()} == {"r1": 1.0, "r2": 1.0, "p1": 0.0}
    assert people["r1"].cost == pytest.approx(0.4)
    assert (people["r1"].total, people["r1"].paid) == (40_000, 0)
    figures = {(side.intent, side.track): side.figures for side in run.sides}
    assert figures["returns", "person"]["quality"].value == 1.0
    assert figures["returns", "person"]["cost"].value == pytest.approx(0.3)
    assert [check for check in run.checks if not check.ok] == []


async def test_it_is_marked_as_from_a_file_and_no_route_leads_there(shop: Town) -> None:
    rows = [{"id": f"r{n}", "answer": "30 days", "seconds": 1} for n in range(60)]
    cases = [replace(CASES[0], id=f"r{n}", question=f"How long may I return bike {n}?") for n in range(60)]
    _, run = await shop.evaluate(cases, "prompt", person=spoken(shop, rows))
    (decision,) = run.decisions
    assert (decision.verdict.kind, decision.verdict.challenger) == ("keep", "")
    told = words(run)
    assert "asked of prompt, person from a file" in told
    assert "from a file, 60 questions" in told
    assert "Nobody asked person: the answers, and how long they took, are as a file tells them." in told
    assert "asked of prompt, person (from a file)" in summary(run)[0]


async def test_a_file_that_changed_begins_a_new_run(shop: Town) -> None:
    first, _ = await shop.evaluate(CASES, "prompt", person=spoken(shop, SPOKEN))
    (first.folder / "run.json").unlink()
    same, _ = await shop.evaluate(CASES, "prompt", person=spoken(shop, SPOKEN))
    assert same.folder == first.folder
    (first.folder / "run.json").unlink()
    other, run = await shop.evaluate(CASES, "prompt", person=spoken(shop, SPOKEN[:1]))
    assert other.folder != first.folder
    assert sum(one.track == "person" for one in run.answered) == 1


async def test_a_table_will_do_too(shop: Town) -> None:
    path = shop.folder / "people.csv"
    path.write_text("id,answer,seconds\nr1,30 days,12.5\n")
    _, run = await shop.evaluate(CASES, "prompt", person=path)
    assert [one.total for one in run.answered if one.track == "person"] == [12_500]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"answer": "30 days", "seconds": 3}, "people.jsonl:1: nothing says which question it answers"),
        ({"id": "r1", "answer": " ", "seconds": 3}, "people.jsonl:1: the answer has no words"),
        ({"id": "r1", "answer": "30 days", "seconds": 0}, "people.jsonl:1: `seconds` must say how long it took"),
        ({"id": "r1", "answer": "30 days"}, "people.jsonl:1: there is no `seconds`"),
        ({"id": "other", "answer": "30 days", "seconds": 3}, "none of the person's answers is to one of the questions"),
    ],
)
async def test_answers_that_cannot_be_used_are_told(shop: Town, row: dict[str, object], why: str) -> None:
    with pytest.raises(BadQuestions) as refused:
        await shop.evaluate(CASES, "prompt", person=spoken(shop, [row]))
    assert why in str(refused.value)


async def test_without_the_price_of_a_minute_nothing_is_measured(tmp_path: Path) -> None:
    async with town(tmp_path) as shop:
        with pytest.raises(ConfigError, match="set `minute`"):
            await shop.evaluate(CASES, "prompt", person=spoken(shop, SPOKEN))


async def test_a_person_whose_time_does_not_add_up_is_not_believed(shop: Town) -> None:
    _, run = await shop.evaluate(CASES, "prompt", person=spoken(shop, SPOKEN))
    bent = tuple(replace(one, cost=0.0) if one.track == "person" else one for one in run.answered)
    (failed,) = [check.name for check in report.checks(replace(run, answered=bent)) if not check.ok if "money" in check.name]
    assert failed == "The money adds up"
