"""One suite over the bus on NATS and its in-memory twin."""

import asyncio

import pytest

from core.bus import Ack, Stored, Stream
from core.errors import BusError, Conflict, Full, Unavailable

SHORT = 1.0
SMALL = (Stream("IN", ("in.>",), days=1, megabytes=1),)


async def take(messages, count):
    async with asyncio.timeout(45):
        return [await anext(messages) for _ in range(count)]


async def publish(bus, count, subject="in.web.a", *, start=0):
    return [await bus.publish(subject, b"%d" % n, id=f"{subject}-{n}") for n in range(start, start + count)]


def texts(messages):
    return [(m if isinstance(m, Stored) else m.message).data.decode() for m in messages]


async def test_an_id_is_stored_once(any_bus):
    first = await any_bus.publish("in.web.a", b"one", id="x")
    again = await any_bus.publish("in.web.a", b"other words", id="x")
    assert (first, again) == (Ack(1), Ack(1, duplicate=True))
    assert await any_bus.read("IN", 1) == Stored("in.web.a", b"one", 1)
    assert await any_bus.read("IN", 2) is None


async def test_of_twenty_writers_at_the_same_place_one_wins(any_bus):
    await any_bus.publish("log.web.a", b"before", id="before")
    tries = [any_bus.publish("log.web.a", b"%d" % n, id=f"writer-{n}", last=1) for n in range(20)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, Ack) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 19
    assert await any_bus.read("LOG", 3) is None


async def test_place_zero_admits_only_the_first_of_a_subject(any_bus):
    await any_bus.publish("log.web.b", b"a neighbour", id="n")
    await any_bus.publish("log.web.a", b"first", id="a", last=0)
    with pytest.raises(Conflict):
        await any_bus.publish("log.web.a", b"second", id="b", last=0)


async def test_a_commit_repeated_is_a_duplicate_even_after_others_followed(any_bus):
    await any_bus.publish("log.web.a", b"mine", id="mine", last=0)
    assert await any_bus.publish("log.web.a", b"mine", id="mine", last=0) == Ack(1, duplicate=True)
    await any_bus.publish("log.web.a", b"theirs", id="theirs", last=1)
    assert await any_bus.publish("log.web.a", b"mine", id="mine", last=0) == Ack(1, duplicate=True)


async def test_messages_are_read_by_subject_and_place(any_bus):
    for n, lane in enumerate("abab"):
        await any_bus.publish(f"in.web.{lane}", b"%d" % n, id=str(n))
    assert await any_bus.first_after("IN", "in.web.b", 0) == Stored("in.web.b", b"1", 2)
    assert await any_bus.first_after("IN", "in.web.b", 2) == Stored("in.web.b", b"3", 4)
    assert await any_bus.first_after("IN", "in.web.b", 4) is None
    assert await any_bus.last("IN", "in.web.a") == Stored("in.web.a", b"2", 3)
    assert await any_bus.last("IN", "in.web.>") == await any_bus.last("IN", "in.*.b") == Stored("in.web.b", b"3", 4)
    assert await any_bus.last("IN", "in.web.nobody") is None
    assert await any_bus.last("IN", "in.slack.>") is None
    assert await any_bus.first_after("IN", "in.web.nobody", 0) is None


async def test_deliveries_come_in_order_old_ones_first(twin):
    async with twin() as bus:
        await publish(bus, 3)
        async with bus.consume("IN", "worker", "in.>") as deliveries:
            old = await take(deliveries, 3)
            await publish(bus, 600, start=3)
            assert texts(old + await take(deliveries, 600)) == [str(n) for n in range(603)]
            assert {delivery.tries for delivery in old} == {1}


async def test_a_consumer_sees_its_subject_only(any_bus):
    await publish(any_bus, 1, "in.slack.a")
    await publish(any_bus, 1, "in.web.a", start=7)
    async with any_bus.consume("IN", "worker", "in.web.>") as deliveries:
        assert texts(await take(deliveries, 1)) == ["7"]


async def test_a_delivery_given_back_comes_again_after_its_delay(any_bus):
    await publish(any_bus, 2)
    async with any_bus.consume("IN", "worker", "in.>") as deliveries:
        first, second = await take(deliveries, 2)
        await second.ack()
        await first.back(0.1)
        (again,) = await take(deliveries, 1)
        assert (again.message, again.tries) == (first.message, 2)
        await again.back(0)
        (last,) = await take(deliveries, 1)
        assert (last.message, last.tries) == (first.message, 3)


async def test_what_one_worker_leaves_behind_another_gets(twin):
    async with twin(ack_wait=SHORT) as bus:
        await publish(bus, 1)
        async with bus.consume("IN", "worker", "in.>") as deliveries:
            (_left,) = await take(deliveries, 1)
        async with bus.consume("IN", "worker", "in.>") as deliveries:
            (again,) = await take(deliveries, 1)
            assert (again.message.data, again.tries > 1) == (b"0", True)


async def test_a_touched_delivery_does_not_come_again(twin):
    async with twin(ack_wait=SHORT) as bus, bus.consume("IN", "worker", "in.>") as deliveries:
        await publish(bus, 1)
        (held,) = await take(deliveries, 1)
        coming = asyncio.ensure_future(anext(deliveries))
        longest = await touch_for_longer_than_it_may_be_out(held)
        assert not coming.done() or longest > SHORT / 2
        await held.ack()
        await publish(bus, 1, start=1)
        async with asyncio.timeout(45):
            other = await coming
    assert (other.message.data, other.tries) == (b"1", 1) or longest > SHORT / 2


async def touch_for_longer_than_it_may_be_out(held) -> float:
    """The longest time between two touches, in seconds: a machine that stands still touches too late."""
    loop, longest = asyncio.get_running_loop(), 0.0
    for _ in range(6):
        before = loop.time()
        await asyncio.sleep(SHORT / 4)
        await held.touch()
        longest = max(longest, loop.time() - before)
    return longest


async def test_a_consumer_tells_how_many_messages_it_is_not_through_with(any_bus):
    async def settles_at(count: int) -> None:  # the server counts in the background
        async with asyncio.timeout(45):
            while await any_bus.waiting("IN", "worker") != count:
                await asyncio.sleep(0.01)

    assert await any_bus.waiting("IN", "worker") == 0
    async with any_bus.consume("IN", "worker", "in.>") as deliveries:
        await publish(any_bus, 5)
        taken = await take(deliveries, 2)
        await settles_at(5)
        for delivery in taken:
            await delivery.ack()
        await settles_at(3)


async def test_two_workers_share_and_none_gets_the_same(any_bus):
    got: list[list[str]] = [[], []]

    async def work(mine, deliveries):
        async for delivery in deliveries:
            mine.append(delivery.message.data.decode())
            await delivery.ack()
            await asyncio.sleep(0)

    async with any_bus.consume("IN", "worker", "in.>") as left, any_bus.consume("IN", "worker", "in.>") as right:
        tasks = [asyncio.create_task(work(got[0], left)), asyncio.create_task(work(got[1], right))]
        await publish(any_bus, 100)
        async with asyncio.timeout(45):
            while len(got[0]) + len(got[1]) < 100:
                await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(got[0] + got[1], key=int) == [str(n) for n in range(100)]
    assert got[0]
    assert got[1]


async def test_another_durable_gets_everything_again(any_bus):
    await publish(any_bus, 2)
    for name in ("one", "two"):
        async with any_bus.consume("IN", name, "in.>") as deliveries:
            got = await take(deliveries, 2)
            assert texts(got) == ["0", "1"]
            for delivery in got:
                await delivery.ack()


async def test_following_shows_what_was_then_what_comes(any_bus):
    await publish(any_bus, 3, "log.web.a")
    await publish(any_bus, 1, "log.slack.a")
    async with any_bus.follow("LOG", "log.web.>", 1) as messages:
        old = await take(messages, 2)
        await publish(any_bus, 300, "log.web.b", start=3)
        new = await take(messages, 300)
    assert texts(old + new) == [str(n) for n in range(1, 303)]
    assert [m.seq for m in old] == [2, 3]
    assert new[0].seq == 5


async def test_a_listener_hears_passing_messages_of_its_subjects(any_bus):
    async with any_bus.listen("live.web.*") as heard:
        await any_bus.emit("live.slack.a", b"not for us")
        await any_bus.emit("live.web.a", b"1")
        await any_bus.emit("live.web.b", b"2")
        assert await take(heard, 2) == [Stored("live.web.a", b"1", 0), Stored("live.web.b", b"2", 0)]


async def test_a_slow_listener_loses_the_oldest(any_bus):
    async with any_bus.listen("live.>") as heard, any_bus.listen("live.end") as end:
        for n in range(5000):
            await any_bus.emit("live.web.a", b"%d" % n)
        await any_bus.emit("live.end", b"end")
        await take(end, 1)
        while (message := (await take(heard, 1))[0]).data == b"0":
            pass
        assert int(message.data) >= 900
        assert texts(await take(heard, 4000))[0] == str(int(message.data) + 1)


async def test_a_request_is_answered_by_one_of_those_who_serve(any_bus):
    async def left(data: bytes) -> bytes:
        return b"left " + data

    async def right(data: bytes) -> bytes:
        return b"right " + data

    async with any_bus.serve("echo", {"echo.one": left}), any_bus.serve("echo", {"echo.one": right}):
        answers = [await any_bus.request("echo.one", b"hello", timeout=60) for _ in range(40)]
    assert set(answers) == {b"left hello", b"right hello"}


async def test_slow_requests_do_not_hold_up_each_other(any_bus):
    both = asyncio.Barrier(2)

    async def meet(data: bytes) -> bytes:
        await both.wait()
        return data

    async with any_bus.serve("meet", {"meet.here": meet}):
        answers = await asyncio.gather(*(any_bus.request("meet.here", bytes([n]), timeout=60) for n in range(2)))
    assert answers == [b"\x00", b"\x01"]


async def test_a_request_that_nobody_serves_fails_at_once(any_bus):
    with pytest.raises(Unavailable, match=r"nobody answers on echo\.none"):
        await any_bus.request("echo.none", b"", timeout=60)


async def test_a_request_nobody_answers_in_time_is_given_up(any_bus):
    enough = asyncio.Event()

    async def wait(data: bytes) -> bytes:
        await enough.wait()
        return data

    async with any_bus.serve("slow", {"slow.one": wait}):
        with pytest.raises(Unavailable, match=r"within 0\.05 s"):
            await any_bus.request("slow.one", b"", timeout=0.05)
        enough.set()


async def test_a_handler_that_fails_tells_the_requester_and_serves_on(any_bus):
    async def fail_once(data: bytes) -> bytes:
        if data == b"bad":
            raise ValueError("no such thing")
        return data

    async with any_bus.serve("moody", {"moody.one": fail_once}):
        with pytest.raises(Unavailable, match="no such thing"):
            await any_bus.request("moody.one", b"bad", timeout=60)
        assert await any_bus.request("moody.one", b"good", timeout=60) == b"good"


async def test_a_full_stream_refuses_and_keeps_what_it_has(twin):
    async with twin(streams=SMALL) as bus:
        for n in range(10):
            await bus.publish("in.web.a", bytes(100_000), id=str(n))
        with pytest.raises(Full):
            await bus.publish("in.web.a", bytes(100_000), id="one more")
        assert await bus.read("IN", 1) is not None


async def test_a_subject_that_no_stream_takes_is_refused(any_bus):
    with pytest.raises(BusError):
        await any_bus.publish("out.web.a", b"", id="x")
