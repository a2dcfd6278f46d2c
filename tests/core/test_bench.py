"""`turnout bench turn` on a very small scale: what it prints, not how fast this machine is."""

import re

from click.testing import CliRunner

from core.bench import bench


def test_a_turn_is_measured_beside_one_without_guarantees() -> None:
    small = ["--turns", "10", "--seconds", "0.2", "--inflight", "4", "--workers", "1", "--rounds", "1", "--floor", "not-there"]
    result = CliRunner().invoke(bench, ["turn", *small])
    assert result.exit_code == 0, result.output
    assert "no floor at not-there" in result.stderr
    head, *rows = result.stdout.splitlines()
    assert head.split() == ["turnout", "unguarded", "ratio"]
    for row in rows:
        ours, unguarded, ratio = map(float, re.findall(r"\d+(?:\.\d+)?", row.split(" µs")[-1].split("workers")[-1]))
        assert ours > 0 < unguarded, row
        assert abs(ours / unguarded - ratio) < 0.1 * ratio + 0.01, row
