"""The table of protections stands on the code as it is, and a trial tells what was noticed from what survived."""

import asyncio
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutants import trial
from tests.mutants.__main__ import ROOT, baseline
from tests.mutants.table import Mutant, Stale, chosen, read

TESTS = """
import time
from door import may_enter

def test_a_child_stays_outside():
    assert not may_enter(12)

def test_a_grown_up_enters():
    assert may_enter(40)
"""
AGE = Mutant("age", "Children stay outside.", "door.py", "age >= 18", "age >= 10", ("test_door.py",))


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A project of one function and its tests, copied from a working tree of git."""
    tree = tmp_path / "toy"
    tree.mkdir()
    (tree / "door.py").write_text("def may_enter(age):\n    return age >= 18\n")
    (tree / "test_door.py").write_text(TESTS)
    (tree / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (tree / ".gitignore").write_text("left_out\n")
    (tree / "left_out").write_text("")
    subprocess.run(["git", "init", "-q"], cwd=tree, check=True)
    pristine = tmp_path / "pristine"
    trial.copy(tree, pristine)
    return pristine


@pytest.mark.parametrize("mutant", read(), ids=lambda mutant: mutant.name)
def test_every_protection_stands_where_the_table_says(mutant: Mutant) -> None:
    assert mutant.text(ROOT)
    assert mutant.noticed
    assert mutant.missing(ROOT) == []


async def test_a_protection_that_is_missed_is_told_from_one_that_nobody_misses(toy: Path) -> None:
    older = replace(AGE, name="older", new="age >= 30")
    missed, survived = await asyncio.gather(trial.try_one(toy, AGE), trial.try_one(toy, older))
    assert (missed.noticed, missed.by) == (True, "test_door.py::test_a_child_stays_outside")
    assert (survived.noticed, survived.by) == (False, trial.SURVIVED)
    assert "age >= 18" in (toy / "door.py").read_text(), "a mutant got into the copy that the next one is made from"
    assert not (toy / "left_out").exists()


async def test_what_only_hangs_is_said_to_be_noticed_by_a_timeout(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "PYTEST", [*trial.PYTEST, "--timeout=0.5"])
    hangs = replace(AGE, name="hangs", new="__import__('time').sleep(60)")
    found = await trial.try_one(toy, hangs)
    assert found.noticed
    assert found.by.startswith("timeout")
    assert found.by.endswith("test_a_child_stays_outside")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (replace(AGE, old="age > 18"), "stands 0 times"),
        (replace(AGE, old="e"), "times in door.py"),
        (replace(AGE, new="age >="), "invalid syntax"),
        (replace(AGE, noticed=("test_door.py::test_nothing",)), "pytest ended with 4"),
    ],
    ids=["gone", "many", "no program", "no test"],
)
async def test_what_cannot_be_tried_proves_nothing(toy: Path, broken: Mutant, reason: str) -> None:
    found = await trial.try_one(toy, broken)
    assert not found.noticed
    assert reason in found.by


async def test_a_command_notices_by_its_exit_status_and_says_its_last_words(toy: Path) -> None:
    by_command = replace(AGE, noticed=("python -c 'from door import may_enter; assert not may_enter(12), \"let in\"'",))
    found = await trial.try_one(toy, by_command)
    assert found.noticed
    assert found.by.endswith("AssertionError: let in")


async def test_tests_that_fail_with_all_protections_are_named_first(toy: Path) -> None:
    assert await baseline(toy, [AGE]) == []
    (toy / "door.py").write_text("def may_enter(age):\n    return False\n")
    assert await baseline(toy, [AGE]) == ["test_door.py::test_a_grown_up_enters"]


def test_a_name_is_one_protection_and_a_beginning_several() -> None:
    older = replace(AGE, name="age-of-cats")
    both = [AGE, older]
    assert chosen(both, ["age"]) == [AGE]
    assert chosen(both, ["age-"]) == [older]
    assert chosen(both, ["ag"]) == chosen(both, []) == chosen(both, ["age", "age-"]) == both
    assert chosen(both, ["size"]) == []


def test_a_name_stands_once_in_the_table(tmp_path: Path) -> None:
    entry = '[age]\nprotects = ""\nfile = ""\nold = ""\nnew = ""\nnoticed = []\n'
    for file in ("one.toml", "two.toml"):
        (tmp_path / file).write_text(entry)
    with pytest.raises(Stale, match="age"):
        read(tmp_path)
