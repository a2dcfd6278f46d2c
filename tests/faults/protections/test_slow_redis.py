"""A Redis of which each single answer comes in time, but not the call as a whole."""

import pytest

from core import redis_store
from core.errors import StoreUnavailable
from tests.fakes.proxy import Proxy


async def test_a_call_of_many_slow_steps_is_given_up_as_a_whole(private) -> None:
    """To connect, to learn that the script is not known, to load it and to run it: each is quick enough for the socket's limit."""
    server = await private.valkey()
    async with (
        Proxy("127.0.0.1", server.port).listening() as proxy,
        redis_store.connect(f"redis://127.0.0.1:{proxy.port}") as store,
    ):
        proxy.slow(delay=redis_store.ANSWER / 5)
        with pytest.raises(StoreUnavailable):
            await store.leases.acquire("lane", "one", 30)
