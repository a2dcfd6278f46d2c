"""`make test` runs the suite in two halves: nothing is left out, and nothing runs twice."""

import asyncio
from pathlib import Path

import pytest

from tests import halves

FILES = {path for path in halves.TESTS.rglob("test_*.py") if ".venv" not in path.parts}


def test_every_test_is_in_exactly_one_half() -> None:
    waiting, working = halves.halves(halves.found())
    covered = [path for name in (*waiting, *working) for path in FILES if (halves.TESTS / name) in (path, *path.parents)]
    assert sorted(covered) == sorted(FILES)


def test_what_is_quick_comes_first() -> None:
    _, working = halves.halves(["simulation", "e2e", "test_house.py", "retrieval", "core"])
    assert working == ["test_house.py", "core", "retrieval", "simulation"]


def test_a_half_that_fails_fails_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(halves, "TESTS", tmp_path)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for half, name in (("core", "works"), ("e2e", "waits")):
        (tmp_path / half).mkdir()
        (tmp_path / half / f"test_{name}.py").write_text("def test_it():\n    pass\n")
    options = ["-p", "no:cacheprovider", f"--rootdir={tmp_path}", "-c", str(tmp_path / "none.ini")]
    (tmp_path / "none.ini").write_text("[pytest]\n")
    assert asyncio.run(halves.main(options)) == 0
    (tmp_path / "e2e" / "test_waits.py").write_text("def test_it():\n    assert False\n")
    assert asyncio.run(halves.main(options)) == 1
    said = capsys.readouterr().out
    assert "works | " in said
    assert any(line.startswith("waits | FAILED") for line in said.splitlines())
