"""One suite over the memory in Redis and its in-memory twin."""

import pytest
import redis.asyncio as redis

from core import keys
from core.memory import Conversation, Exchange, LocalMemory, MemoryStore

HOUR = 3600.0


@pytest.fixture(params=["redis", "memory"])
def memory(request, store) -> MemoryStore:
    return store.memory if request.param == "redis" else LocalMemory()


def conversation(at: int, answered: str = "of course") -> Conversation:
    exchange = Exchange(turn=f"turn-{at}", asked="Can I 🚲 return it?\x00", answered=answered, tokens=7)
    return Conversation(lane="lane", at=at, exchanges=(exchange,), summary="They asked.")


async def test_what_is_kept_comes_back_as_it_was(memory):
    assert await memory.load("lane") is None
    await memory.save(conversation(3), ttl=HOUR)
    assert await memory.load("lane") == conversation(3)
    assert await memory.load("another") is None


async def test_the_later_conversation_wins_whatever_the_order(memory):
    await memory.save(conversation(3), ttl=HOUR)
    await memory.save(conversation(12), ttl=HOUR)
    await memory.save(conversation(9), ttl=HOUR)
    assert await memory.load("lane") == conversation(12)


async def test_keeping_the_same_again_changes_nothing(memory):
    await memory.save(conversation(3, "first"), ttl=HOUR)
    await memory.save(conversation(3, "second"), ttl=HOUR)
    assert await memory.load("lane") == conversation(3, "first")


async def test_a_conversation_in_redis_ends_with_its_time(servers, store):
    await store.memory.save(conversation(3), ttl=HOUR)
    await store.memory.save(conversation(4), ttl=2 * HOUR)
    client = redis.from_url(servers.redis_url)
    assert HOUR < await client.ttl(keys.memory("lane")) <= 2 * HOUR
    await client.aclose()


async def test_what_redis_holds_of_a_newer_program_counts_as_nothing(servers, store):
    client = redis.from_url(servers.redis_url)
    await client.hset(keys.memory("lane"), mapping={"at": 3, "value": b'{"v":99,"lane":"lane"}'})
    await client.aclose()
    assert await store.memory.load("lane") is None
