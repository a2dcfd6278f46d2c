"""A short soak, the same code as the long one: one fault of each family over all services, and nothing lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.faults import Catalogue, Fault
from tests.reliability.history import read
from tests.reliability.oracle import judge
from tests.reliability.soak import JOINS, Options, soak

SEED = 5
TURNS = 100


def one_of_each_family(catalogue: Catalogue) -> Iterator[Fault]:
    return (make() for make in catalogue.families.values())


@pytest.mark.timeout(600)
async def test_a_fault_of_each_family_over_all_services_and_nothing_is_lost_doubled_or_out_of_order(tmp_path: Path) -> None:
    options = Options(0, SEED, tmp_path, gap=0.5, people=5, think=1.0, quiet=True, plan=one_of_each_family)
    verdict, report = await soak(options)
    assert verdict.clean, report
    assert verdict.messages >= TURNS, report
    assert judge(read(tmp_path / "history.jsonl"), joins=JOINS).clean, "what is on disk tells the same"
