"""Health and metrics, as the web service asks for them."""

import asyncio

import pytest
from prometheus_client import Counter
from prometheus_client.parser import text_string_to_metric_families

from core import keys, vitals
from core.errors import Unavailable
from core.records import Health, decode

SEEN = Counter("test_things_seen", "Things seen.", ["kind"])


async def healthy() -> Health:
    return Health(service="shop", ready=True, detail="30 documents")


def samples(text, name):
    return [
        (sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    ]


async def test_a_service_says_that_it_is_ready(bus):
    async with vitals.vitals(bus, "shop", healthy):
        answer = decode(Health, await bus.request(keys.health("shop"), b"", timeout=60))
    assert answer == await healthy()


async def test_a_service_that_cannot_say_how_it_is_is_not_ready_and_says_why(bus):
    async def lost() -> Health:
        raise ValueError("the index is gone")

    async with vitals.vitals(bus, "shop", lost):
        answer = decode(Health, await bus.request(keys.health("shop"), b"", timeout=60))
    assert answer == Health(service="shop", ready=False, detail="the index is gone")


async def test_nobody_answers_for_a_service_that_has_ended(bus):
    async with vitals.vitals(bus, "shop", healthy):
        pass
    with pytest.raises(Unavailable):
        await bus.request(keys.health("shop"), b"", timeout=60)


async def test_metrics_hold_what_modules_count_and_what_every_process_has(bus):
    SEEN.labels("bicycle").inc(3)
    async with vitals.vitals(bus, "shop", healthy):
        text = (await bus.request(keys.metrics("shop"), b"", timeout=60)).decode()
    ((labels, value),) = samples(text, "test_things_seen_total")
    assert (labels["kind"], value) == ("bicycle", 3)
    assert labels["replica"]
    assert samples(text, "turnout_build_info")
    assert samples(text, "turnout_start_time_seconds")
    assert samples(text, "turnout_event_loop_lag_seconds_count")


async def test_whichever_replica_is_asked_answers_for_its_siblings_too(bus):
    sibling = '# HELP test_things_seen_total Things seen.\n# TYPE test_things_seen_total counter\ntest_things_seen_total{kind="bicycle"} 8.0\n'
    async with vitals.vitals(bus, "shop", healthy):
        found = {}
        async with asyncio.timeout(45):
            while "other-1" not in found:
                await bus.emit(keys.siblings("shop", "other-1"), sibling.encode())
                text = (await bus.request(keys.metrics("shop"), b"", timeout=60)).decode()
                found = {labels["replica"]: value for labels, value in samples(text, "test_things_seen_total")}
    assert len(found) == 2
    assert found["other-1"] == 8


def test_joined_pages_are_one_valid_page():
    page = '# HELP turns_total Turns.\n# TYPE turns_total counter\nturns_total{track="rag"} 2.0\n'
    other = '# HELP lag_seconds Lag.\n# TYPE lag_seconds histogram\nlag_seconds_bucket{le="+Inf"} 1.0\nlag_seconds_count 1.0\nlag_seconds_sum 0.5\n'
    joined = vitals.join({"core": page + other, 'a "quoted" name': page})
    assert joined.count("# TYPE turns_total counter") == 1
    assert joined.count("# HELP turns_total") == 1
    assert {(labels["service"], value) for labels, value in samples(joined, "turns_total")} == {
        ("core", 2.0),
        ('a "quoted" name', 2.0),
    }
    assert samples(joined, "lag_seconds_count") == [({"service": "core"}, 1.0)]


def test_joining_nothing_is_an_empty_page():
    assert vitals.join({}) == ""
