"""A run that is not to be believed proposes nothing; one that is kept can be looked at again."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from core.cli import cli
from core.evaluation.tracks import report
from core.evaluation.tracks.keeping import FOLDER, REPORT, ROUTES, WHOLE, Kept
from core.evaluation.tracks.records import Run
from core.records import encode
from tests.evaluation.sample import sample
from tests.evaluation.town import CASES, town
from tests.fakes.openai_server import Asked


@pytest.fixture
def run() -> Run:
    made = sample(intents=2, cases=60)
    return replace(made, checks=report.checks(made))


@pytest.fixture
def kept(run: Run, tmp_path: Path) -> Kept:
    made = Kept(tmp_path / FOLDER / run.id)
    made.begin(run)
    made.finish(run)
    return made


def again(data: Path, name: str) -> Result:
    return CliRunner().invoke(cli, ["eval", "tracks", "--again", name], env={"TURNOUT_DATA": str(data)})


def test_a_kept_run_is_drawn_anew_without_asking_anything(kept: Kept, run: Run, tmp_path: Path) -> None:
    page = (kept.folder / REPORT).read_text()
    (kept.folder / REPORT).unlink()
    for name in (run.id, str(kept.folder)):
        result = again(tmp_path, name)
        assert result.exit_code == 0, result.output
        assert (kept.folder / REPORT).read_text() == page
        assert str(kept.folder / REPORT) in result.output
    assert (kept.folder / ROUTES).exists()


def test_a_run_that_was_touched_up_proposes_nothing_any_more(kept: Kept, run: Run, tmp_path: Path) -> None:
    better = tuple(
        replace(one, grades=replace(one.grades, claims=1.0)) if one.track == "tuned" else one for one in run.answered
    )
    (kept.folder / WHOLE).write_bytes(encode(replace(run, answered=better)))
    result = again(tmp_path, run.id)
    assert result.exit_code == 5
    assert "Figures and decisions follow from the answers: the figures of 2 tracks" in result.output
    assert "no routes are proposed" in result.stderr
    assert not (kept.folder / ROUTES).exists()
    assert "Do not act on this report" in (kept.folder / REPORT).read_text()


def test_a_run_that_is_not_there_is_named_with_those_that_are(kept: Kept, tmp_path: Path) -> None:
    result = again(tmp_path, "yesterday")
    assert result.exit_code not in (0, 5)
    assert "'yesterday'" in str(result.exception) + result.output
    assert kept.folder.name in str(result.exception) + result.output


async def test_documents_that_change_in_the_middle_spoil_a_run(tmp_path: Path) -> None:
    async with town(tmp_path) as shop:

        def meddling(asked: Asked) -> str:
            shop.documents["returns.md"] = "Bikes may be returned within 45 days."
            return "You may return bikes within 30 days [1]."

        shop.server.otherwise(meddling)
        kept, run = await shop.evaluate(CASES, "rag", "prompt")
    assert [check.name for check in report.failed(run)] == ["The index was up to date"]
    assert not (kept.folder / ROUTES).exists()
    assert "returns.md" in (kept.folder / REPORT).read_text()
