"""`turnout channel new`: what it writes works as it stands."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bots.commands import channel

TURNOUT = Path(sys.executable).with_name("turnout")


def new(*arguments: str) -> Result:
    return CliRunner().invoke(channel, ["new", *arguments])


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_new_channel_is_proven_as_it_stands(tmp_path: Path) -> None:
    folder = tmp_path / "corner_shop"
    result = new("corner_shop", "--in", str(folder))
    assert result.exit_code == 0, result.output
    assert "turnout up corner_shop:CornerShopChannel" in result.output
    assert "2 passed" in run(folder, sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
    proofs = run(folder, str(TURNOUT), "channel", "prove", "test_corner_shop:rig")
    assert "proven  lost reply" in proofs
    assert "failed" not in proofs


def test_a_new_channel_is_tidy_and_calls_itself_by_its_name_only(tmp_path: Path) -> None:
    assert new("corner_shop", "--in", str(tmp_path)).exit_code == 0
    run(tmp_path, sys.executable, "-m", "ruff", "format", "--check", "--line-length", "128", ".")
    run(tmp_path, sys.executable, "-m", "ruff", "check", "--select", "E,F,I,B,ASYNC,ANN", "--line-length", "128", ".")
    written = [path for path in tmp_path.rglob("*") if path.is_file() and ".ruff_cache" not in path.parts]
    assert len(written) == 4
    assert not [path for path in written if "mychat" in (path.name + path.read_text("utf-8")).lower()]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "test_corner_shop.py"
    mine.write_text("mine")
    result = new("corner_shop", "--in", str(tmp_path))
    assert result.exit_code == 1
    assert f"{mine}: exists already" in result.output
    assert [path.name for path in tmp_path.iterdir()] == [mine.name]
    assert mine.read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Corner", "small letters"),
        ("corner-shop", "small letters"),
        ("../corner", "small letters"),
        ("x" * 33, "at most 32"),
        ("class", "word of Python"),
        ("json", "would hide"),
        ("telegram", "would hide"),
    ],
)
def test_a_name_no_channel_can_have_is_refused_with_the_reason(name: str, why: str, tmp_path: Path) -> None:
    result = new(name, "--in", str(tmp_path / "somewhere"))
    assert result.exit_code == 2
    assert why in result.output
    assert not (tmp_path / "somewhere").exists()
