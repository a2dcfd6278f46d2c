"""A model judges only if people would agree with it, whatever comes first and however long an answer is."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.evaluation.judging import commands
from core.evaluation.judging.calibration import LEAST, kappa
from core.evaluation.judging.commands import judge
from core.evaluation.tracks.records import Judge
from tests.evaluation.town import CASES, FILE, town
from tests.fakes.openai_server import Asked, OpenAIServer

PADDING = "We are glad that you ask, and we take every question seriously. " * 8


def labels(count: int = LEAST) -> list[dict[str, object]]:
    """Half of the answers state the fact, in other words; half of both are long."""
    said = {True: "You have a whole month.", False: "You have two weeks."}
    return [
        {
            "question": f"How long may I keep bike {n}?",
            "claim": "30 days",
            "answer": said[n % 2 == 0] + (PADDING if n % 4 < 2 else ""),
            "stated": n % 2 == 0,
        }
        for n in range(count)
    ]


def good(asked: Asked) -> str:
    return "Yes." if "a whole month" in asked.question else "No."


def biased_by_place(asked: Asked) -> str:
    """Whatever stands first is right."""
    return "yes" if asked.question.index("<fact>") < asked.question.index("<answer>") else good(asked)


def biased_by_length(asked: Asked) -> str:
    """Of the long answers that are wrong it takes a third for right: people would still mostly agree."""
    number = re.search(r"bike (\d+)", asked.question)
    return "yes" if number and int(number[1]) % 3 == 0 and "seriously" in asked.question else good(asked)


@pytest.fixture
async def asked_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`turnout eval judge` against a server that answers so."""
    (tmp_path / "assistant.toml").write_text(FILE + '[measure]\njudge = "referee-1"\n')

    async def run(answer, rows: list[dict[str, object]], *options: str) -> Result:
        (tmp_path / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)))
        async with OpenAIServer() as server:
            server.otherwise(answer)
            variables = {
                "TURNOUT_ASSISTANT": str(tmp_path / "assistant.toml"),
                "TURNOUT_DATA": str(tmp_path / "data"),
                "OPENAI_BASE_URL": server.base_url,
                "OPENAI_API_KEY": "k",
            }
            done = await _in_a_thread(["labels.jsonl", *options], tmp_path, variables)
            run.asked = [*server.asked]
        return done

    return run


async def _in_a_thread(arguments: list[str], folder: Path, variables: dict[str, str]) -> Result:
    import asyncio

    path = str(folder / arguments[0])
    return await asyncio.to_thread(CliRunner().invoke, judge, [path, *arguments[1:]], env=variables)


async def test_one_that_sees_what_people_see_may_decide(asked_by, tmp_path: Path) -> None:
    done = await asked_by(good, labels())
    assert done.exit_code == 0, done.output
    assert "referee-1 may decide" in done.output
    assert "κ 1.00 on 200 labels" in done.output
    assert commands.kept(tmp_path / "data", "referee-1").decides


@pytest.mark.parametrize(
    ("answer", "why"),
    [(biased_by_place, "turn with the order"), (biased_by_length, "nothing: length adds"), (lambda _: "yes", "κ 0.00")],
)
async def test_one_that_sees_something_else_may_report_only(asked_by, tmp_path: Path, answer, why: str) -> None:
    done = await asked_by(answer, labels())
    assert done.exit_code == 3
    assert "may report, and decides nothing" in done.output
    assert why in done.output
    assert not commands.kept(tmp_path / "data", "referee-1").decides


async def test_few_labels_prove_nothing(asked_by) -> None:
    done = await asked_by(good, labels(LEAST - 1))
    assert done.exit_code == 3
    assert "199 labels, at least 200 are needed" in done.output


async def test_nobody_judges_its_own_family(asked_by) -> None:
    done = await asked_by(good, labels(), "--model", "large-2")
    assert done.exit_code == 3
    assert "of the family of large" in done.output


async def test_it_is_told_neither_who_answered_nor_what_was_cited_and_sees_both_orders(asked_by) -> None:
    rows = [{**labels(1)[0], "answer": "You have a whole month [1].", "track": "stronger"}]
    await asked_by(good, rows)
    texts = [asked.text for asked in asked_by.asked]
    assert len(texts) == 2
    assert all("stronger" not in text and "[1]" not in text for text in texts)
    assert {text.index("<fact>") < text.index("<answer>") for text in texts} == {True, False}


async def test_labels_that_are_wrong_are_told_by_line(asked_by) -> None:
    done = await asked_by(good, [{"question": "x", "claim": "y", "answer": " ", "stated": True}])
    assert "labels.jsonl:1" in str(done.exception)


def test_agreement_is_beyond_chance() -> None:
    assert kappa([(True, True), (False, False)]) == 1.0
    assert kappa([(True, True), (False, True)]) == 0.0
    assert kappa([(True, True)] * 45 + [(False, False)] * 25 + [(True, False)] * 5 + [(False, True)] * 25) == pytest.approx(0.4)


@pytest.mark.parametrize(("decides", "quality"), [(True, 1.0), (False, 0.0)])
async def test_in_a_run_it_decides_only_when_it_may(tmp_path: Path, decides: bool, quality: float) -> None:
    async with town(tmp_path, FILE + '[measure]\njudge = "referee-1"\n[models.prices.referee-1]\ncall = 0.01\n') as shop:
        commands.keep(shop.given.data, Judge(model="referee-1", labels=200, kappa=0.9, decides=decides))
        shop.server.when(lambda asked: asked.body["model"] == "referee-1", good)
        shop.server.otherwise("You have a whole month.")
        _, run = await shop.evaluate(CASES[:1], "prompt")
    (one,) = run.answered
    assert (one.grades.judged, one.grades.quality) == (1.0, quality)
    assert one.grades.by == ("judge" if decides else "text")
    assert run.judges[0].decides is decides
    assert run.spent == pytest.approx(one.paid)
    assert one.paid == pytest.approx(one.cost + 0.02)


def test_a_judge_that_nobody_measured_decides_nothing(tmp_path: Path) -> None:
    assert not commands.kept(tmp_path, "referee-1").decides
    assert re.search("turnout eval judge", commands.kept(tmp_path, "referee-1").why)
