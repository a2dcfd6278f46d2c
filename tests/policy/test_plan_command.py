"""`turnout routes plan`, as an owner meets it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.routes.commands import routes

FILE = """
[assistant]
name = "Test"
default_route = ["prompt"]
[[intents]]
name = "returns"
examples = ["send it back"]
[[intents]]
name = "complaint"
risk = "high"
examples = ["i am angry"]
[[intents]]
name = "accident"
risk = "high"
examples = ["i fell"]
"""


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "assistant.toml").write_text(FILE)
    monkeypatch.setenv("TURNOUT_ASSISTANT", str(tmp_path / "assistant.toml"))

    def run(*options: str) -> Result:
        return CliRunner().invoke(routes, ["plan", *options])

    return run


def test_it_says_how_many_questions_each_intent_takes_and_all_together(plan) -> None:
    lines = plan().output.splitlines()
    cases = {line.split()[0]: int(line.split()[1].replace(",", "")) for line in lines}
    assert cases["returns"] < cases["complaint"] == cases["accident"]
    assert cases.pop("together") == sum(cases.values())


def test_small_differences_take_more(plan) -> None:
    ten, five = (int(plan("--points", points).output.split()[-8].replace(",", "")) for points in ("10", "5"))
    assert five > 2 * ten


@pytest.mark.parametrize("points", ["0", "51", "many"])
def test_what_cannot_be_planned_for_is_named(plan, points: str) -> None:
    done = plan("--points", points)
    assert done.exit_code != 0
    assert points in done.output
