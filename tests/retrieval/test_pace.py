"""A search is called slower only when nothing else explains it."""

import random

import pytest

from core.knowledge import SearchRequest
from retrieval.evaluation import pace


def test_a_slow_moment_or_a_little_more_is_not_slower():
    before = (3.0, 3.2, 3.1, 3.6, 3.0)
    assert not pace.slower(before, (9.0, 9.0, 9.0, 9.0, 3.4))
    assert not pace.slower(before, (3.9, 3.9, 3.9, 3.9, 3.9))
    assert pace.slower(before, (4.6, 4.6, 4.6, 4.6, 4.6))
    assert not pace.slower((), before)


@pytest.mark.parametrize("busy", [1.0, 20.0])
async def test_a_busy_machine_slows_both_and_changes_nothing(busy, monkeypatch):
    """Under a clock of our own, on which a search takes three times as long as an idle request, and both vary by half."""
    clock, chance = [0.0], random.Random(7)

    def takes(seconds):
        async def answer(*_):
            clock[0] += seconds * busy * chance.uniform(0.75, 1.25)

        return answer

    monkeypatch.setattr("retrieval.evaluation.pace.time.perf_counter", lambda: clock[0])
    found = await pace.measure(takes(0.006), takes(0.002), [SearchRequest(query="moon")])
    assert len(found) == pace.FIFTHS
    assert all(2.5 < one < 3.5 for one in found)
    assert await pace.measure(takes(0.006), takes(0.002), []) == ()
