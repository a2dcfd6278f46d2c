"""One suite over the leases in Redis and their in-memory twin."""

import asyncio
import signal

import pytest
import redis.asyncio as redis

from core import keys, redis_store
from core.errors import ConfigError, StoreUnavailable
from core.leases import Grant, Leases, MemoryLeases
from tests.fakes.frozen import freeze
from tests.fakes.proxy import Proxy

KEY = keys.lease("IN", "lane")
LONG, SHORT = 30.0, 0.1


@pytest.fixture(params=["redis", "memory"])
def leases(request, store) -> Leases:
    return store.leases if request.param == "redis" else MemoryLeases()


@pytest.fixture
def waited_for(monkeypatch) -> None:
    """However late a Redis answers that is well, it is waited for; until a test undoes this."""
    monkeypatch.setattr(redis_store, "ANSWER", 60)


async def until(ask):
    """What a call returns once it returns something; a store that is away counts as nothing."""
    async with asyncio.timeout(45):
        while True:
            try:
                if (got := await ask()) is not None:
                    return got
            except StoreUnavailable:
                pass
            await asyncio.sleep(0.02)


async def test_one_of_many_gets_the_lease(leases):
    grants = await asyncio.gather(*(leases.acquire(KEY, f"worker-{n}", LONG) for n in range(20)))
    assert [grant for grant in grants if grant] == [Grant()]


async def test_its_holder_may_take_it_again(leases):
    await leases.acquire(KEY, "one", LONG)
    assert await leases.acquire(KEY, "one", LONG) == Grant()


async def test_leases_of_other_lanes_are_free(leases):
    await leases.acquire(KEY, "one", LONG)
    assert await leases.acquire(keys.lease("IN", "other"), "two", LONG) == Grant()
    assert await leases.acquire(keys.lease("LOG", "lane"), "two", LONG) == Grant()


async def test_who_comes_next_reads_the_note(leases):
    await leases.acquire(KEY, "one", LONG)
    assert await leases.release(KEY, "one", "stands at 7")
    assert await leases.acquire(KEY, "two", LONG) == Grant(note="stands at 7")


async def test_an_empty_note_is_a_note(leases):
    await leases.acquire(KEY, "one", LONG)
    await leases.release(KEY, "one", "")
    assert await leases.acquire(KEY, "two", LONG) == Grant(note="")


async def test_a_waiting_mark_keeps_the_lease_with_its_holder_once(leases):
    await leases.acquire(KEY, "one", LONG)
    assert await leases.renew(KEY, "one", LONG) is False
    assert await leases.acquire(KEY, "two", LONG) is None
    assert await leases.renew(KEY, "one", LONG) is True
    assert await leases.renew(KEY, "one", LONG) is True
    assert not await leases.release(KEY, "one", "first try")
    assert await leases.acquire(KEY, "one", LONG) == Grant()
    assert await leases.release(KEY, "one", "second try")
    assert await leases.acquire(KEY, "two", LONG) == Grant(note="second try")


async def test_a_holder_that_died_is_a_strike_and_its_note_is_gone(leases):
    await leases.acquire(KEY, "one", LONG)
    await leases.release(KEY, "one", "note")
    assert await leases.acquire(KEY, "two", SHORT) == Grant(note="note")
    assert await until(lambda: leases.acquire(KEY, "three", SHORT)) == Grant(strikes=1)
    await leases.begin(KEY, "three", 7, 1)
    assert await until(lambda: leases.acquire(KEY, "four", SHORT)) == Grant(strikes=2, place=7)


async def test_a_holder_that_dies_before_it_began_anything_is_no_further_strike(leases):
    await leases.acquire(KEY, "one", SHORT)
    assert await until(lambda: leases.acquire(KEY, "two", SHORT)) == Grant(strikes=1)
    assert await until(lambda: leases.acquire(KEY, "three", SHORT)) == Grant(strikes=1)
    await leases.begin(KEY, "one", 7, 5)
    assert await until(lambda: leases.acquire(KEY, "four", LONG)) == Grant(strikes=1), "begun by one that holds nothing"


async def test_what_was_let_go_has_no_strikes(leases):
    await leases.acquire(KEY, "one", SHORT)
    await until(lambda: leases.acquire(KEY, "two", LONG))
    await leases.begin(KEY, "two", 7, 1)
    while not await leases.release(KEY, "two", ""):
        pass
    assert await leases.acquire(KEY, "three", LONG) == Grant(note="")


def test_strikes_count_for_the_message_that_was_begun_only():
    assert [Grant(strikes=2, place=7).struck(place) for place in (7, 8)] == [2, 1]
    assert [Grant(strikes=1).struck(place) for place in (7, 8)] == [1, 1]
    assert Grant().struck(7) == 0


async def test_a_renewed_lease_stays(leases):
    await leases.acquire(KEY, "one", SHORT)
    assert await leases.renew(KEY, "one", LONG) is not None
    await asyncio.sleep(2 * SHORT)
    assert await leases.acquire(KEY, "two", LONG) is None


async def test_who_lost_the_lease_learns_it_and_cannot_let_go_of_it(leases):
    await leases.acquire(KEY, "one", SHORT)
    await until(lambda: leases.acquire(KEY, "two", LONG))
    assert await leases.renew(KEY, "one", LONG) is None
    assert await leases.release(KEY, "one", "not mine to leave")
    assert await leases.acquire(KEY, "three", LONG) is None


async def test_a_lease_that_ran_out_is_its_holders_until_another_takes_it(leases):
    await leases.acquire(KEY, "one", SHORT)
    await asyncio.sleep(2 * SHORT)
    assert await leases.renew(KEY, "one", LONG) is False
    assert await leases.acquire(KEY, "two", LONG) is None
    assert await leases.renew(KEY, "nobody", LONG) is None


async def test_a_clock_set_forward_does_not_cost_a_holder_its_lane(store, servers):
    await store.leases.acquire(KEY, "one", LONG)
    client = redis.from_url(servers.redis_url)
    await client.hincrby(KEY, "until", -600_000)
    await client.aclose()
    assert await store.leases.renew(KEY, "one", LONG) is False
    assert await store.leases.acquire(KEY, "two", LONG) is None


async def test_a_clock_set_back_does_not_hold_a_lane(store, servers):
    await store.leases.acquire(KEY, "one", SHORT)
    client = redis.from_url(servers.redis_url)
    await client.hincrby(KEY, "until", 600_000)
    await client.aclose()
    assert await until(lambda: store.leases.acquire(KEY, "two", LONG)) == Grant(strikes=1)


async def test_while_redis_is_away_calls_fail_and_then_work_again(private, waited_for):
    server = await private.valkey()
    async with redis_store.connect(server.url) as store:
        await store.leases.acquire(KEY, "one", LONG)
        await server.kill()
        for _ in range(50):
            with pytest.raises(StoreUnavailable):
                await store.leases.renew(KEY, "one", LONG)
        await server.launch()
        assert await until(lambda: store.leases.acquire(KEY, "one", LONG)) == Grant()


async def test_after_a_failure_redis_is_left_alone_for_a_second(private, monkeypatch):
    assert redis_store.ANSWER < redis_store.AGAIN == 1
    monkeypatch.setattr(redis_store, "AGAIN", 600)
    server = await private.valkey()
    async with Proxy("127.0.0.1", server.port).listening() as proxy:
        proxy.deaf = True
        async with redis_store.connect(f"redis://127.0.0.1:{proxy.port}") as store:
            for _ in range(20):
                with pytest.raises(StoreUnavailable):
                    await store.leases.acquire(KEY, "one", LONG)
            assert proxy.begun <= 1


async def test_a_frozen_redis_is_given_up_and_its_late_answers_are_nobodys(private, waited_for, monkeypatch):
    server = await private.valkey()
    async with redis_store.connect(server.url) as store:
        await store.leases.acquire(KEY, "one", LONG)
        monkeypatch.undo()
        await freeze(server.pid)
        with pytest.raises(StoreUnavailable):
            await store.leases.acquire(KEY, "two", LONG)
        server.process.send_signal(signal.SIGCONT)
        assert await until(lambda: store.leases.acquire(KEY, "one", LONG)) == Grant()


async def test_a_lease_whose_answer_was_lost_is_taken_again_without_a_strike(private, waited_for, monkeypatch):
    server = await private.valkey()
    async with (
        Proxy("127.0.0.1", server.port).listening() as proxy,
        redis_store.connect(f"redis://127.0.0.1:{proxy.port}") as store,
    ):
        await store.leases.acquire("warm", "one", LONG)
        monkeypatch.undo()
        proxy.deaf = True
        with pytest.raises(StoreUnavailable):
            await store.leases.acquire(KEY, "one", LONG)
        proxy.deaf = False
        assert await until(lambda: store.leases.acquire(KEY, "one", LONG)) == Grant()


async def test_a_redis_that_keeps_nothing_is_refused_unless_allowed(private):
    server = await private.valkey("--appendonly", "no")
    with pytest.raises(ConfigError, match="appendonly yes"):
        await redis_store.check(server.url)
    await redis_store.check(server.url, may_forget=True)


async def test_a_redis_with_save_points_or_a_log_is_taken(private, servers):
    server = await private.valkey("--appendonly", "no", "--save", "60 1")
    await redis_store.check(server.url)
    await redis_store.check(servers.redis_url)


async def test_an_old_redis_is_refused():
    async def answer(reader, writer):
        while line := await reader.readline():
            if line.strip().upper() == b"INFO":
                text = b"redis_version:5.0.7\r\n"
                writer.write(b"$%d\r\n%s\r\n" % (len(text), text))
            elif line.strip().upper() == b"SETINFO":
                writer.write(b"-ERR unknown command\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ConfigError, match=r"5\.0\.7 is too old"):
            await redis_store.check(f"redis://127.0.0.1:{port}")


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "redis://me:hidden@127.0.0.1:1", "http://127.0.0.1", "nonsense"])
async def test_an_address_where_no_redis_is_names_the_setting(url):
    with pytest.raises(ConfigError, match="REDIS_URL") as caught:
        await redis_store.check(url)
    assert "hidden" not in str(caught.value)
