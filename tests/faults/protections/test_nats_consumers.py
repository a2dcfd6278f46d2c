"""What a consumer of a stream does when a worker leaves, dies or loses it: nothing waits longer, or is read again, than it must."""

import asyncio

import nats

from core import bus_nats
from core.bus import ACK_WAIT


async def consumers(url: str, stream: str):
    async with await nats.connect(url) as client:
        return await client.jetstream().consumers_info(stream)


async def test_what_a_dead_worker_held_comes_again_after_eight_seconds(servers, bus) -> None:
    async with bus.consume("IN", "worker", "in.>"):
        (worker,) = await consumers(servers.nats_url, "IN")
    assert (worker.config.ack_wait, ACK_WAIT) == (ACK_WAIT, 8)


async def test_what_a_worker_leaves_unread_another_gets_at_once(servers, no_streams) -> None:
    async with bus_nats.connect(servers.nats_url, ack_wait=600) as bus, asyncio.timeout(45):
        for n in range(3):
            await bus.publish("in.web.a", b"%d" % n, id=str(n))
        async with bus.consume("IN", "worker", "in.>") as deliveries:
            first = await anext(deliveries)
            while (await consumers(servers.nats_url, "IN"))[0].num_ack_pending < 3:
                await asyncio.sleep(0.01)
        await first.ack()
        async with bus.consume("IN", "worker", "in.>") as deliveries:
            assert {(await anext(deliveries)).message.data for _ in range(2)} == {b"1", b"2"}


async def test_a_follower_that_has_to_begin_anew_asks_only_for_what_it_has_not_seen(servers, bus) -> None:
    for n in range(3):
        await bus.publish("log.web.a", b"%d" % n, id=str(n))
    async with bus.follow("LOG", "log.>", 0) as messages, asyncio.timeout(45):
        assert [(await anext(messages)).seq for _ in range(3)] == [1, 2, 3]
        (before,) = await consumers(servers.nats_url, "LOG")
        async with await nats.connect(servers.nats_url) as client:
            await client.jetstream().delete_consumer("LOG", before.name)
        while not (again := await consumers(servers.nats_url, "LOG")):
            await asyncio.sleep(0.01)
        assert again[0].config.opt_start_seq == 4
        await bus.publish("log.web.a", b"3", id="3")
        assert (await anext(messages)).seq == 4
