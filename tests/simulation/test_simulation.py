"""Thousands of seeds, that each is the same run every time, and that a missing protection is seen."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.careless import CARELESS

ROOT = Path(__file__).parents[2]


def simulate(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.simulation", *options]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)


@pytest.mark.timeout(900)
def test_nothing_is_lost_doubled_or_out_of_order_whatever_a_seed_draws() -> None:
    done = simulate("--seeds", "2000", "--processes", "2")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("seed", ["3", "6", "49"])
def test_a_seed_is_the_same_run_in_every_process(seed: str) -> None:
    one, other = (simulate(seed, "--trace", PYTHONHASHSEED=hashes).stdout for hashes in ("1", "2"))
    assert len(one.splitlines()) > 100
    assert one == other


def test_a_seed_is_the_same_run_after_others() -> None:
    def line(first: str, count: str) -> list[str]:
        told = simulate("--seeds", count, "--from", first, "--digests", "--all").stdout
        return [line for line in told.splitlines() if line.startswith("seed 6:")]

    assert line("3", "4") == line("6", "1") != []


@pytest.mark.parametrize("careless", CARELESS)
def test_a_missing_protection_is_seen_within_a_few_hundred_seeds(careless: str) -> None:
    done = simulate("--seeds", "300", "--processes", "2", "--careless", careless)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "replay: python -m tests.simulation" in done.stdout
