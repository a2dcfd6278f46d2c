"""Leases and memory in Redis (6.2 or newer, or Valkey): one Lua script and one round trip each, every one safe to repeat.

A turn hardly ever waits for Redis: 0.3 s for an answer, no retries, and after a failure every call fails at once, until a
write made beside the turns says that it is back. So whoever first finds it away or slow waits, and nobody after. The only
module that imports redis.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import redis.asyncio as redis
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError, ResponseError

from core import keys
from core.errors import ConfigError, RecordError, StoreUnavailable
from core.leases import Grant
from core.memory import Conversation
from core.records import decode, encode
from core.settings import shown

log = structlog.get_logger("core.redis")

OLDEST = (6, 2)
ANSWER = 0.3
AGAIN = 1.0
REMEMBERED = 7 * 86400
CONNECTIONS = 256


class Scripts:
    """Runs Lua scripts. Redis away is StoreUnavailable: at once, from the first failure until it takes a write again."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._looking: asyncio.Task[None] | None = None

    def load(self, name: str) -> AsyncScript:
        return self._client.register_script((Path(__file__).parent / f"{name}.lua").read_text())

    async def run(self, call: Callable[[], Awaitable[Any]]) -> Any:
        if self._looking is not None:
            raise StoreUnavailable
        try:
            async with asyncio.timeout(ANSWER):
                return await call()
        except (RedisError, OSError, TimeoutError) as error:
            if self._looking is None:  # else another call has found out meanwhile
                log.error("redis does not answer", error=str(error) or type(error).__name__)
                self._looking = asyncio.create_task(self._until_back(), name="redis away")
            raise StoreUnavailable(f"Redis does not answer: {error or 'no answer in time'}") from None

    async def _until_back(self) -> None:
        """A write, for some Redis in trouble still read: a full disk, no memory left, a replica that lost its master."""
        while True:
            await asyncio.sleep(AGAIN)
            with suppress(RedisError, OSError, TimeoutError):
                async with asyncio.timeout(ANSWER):
                    await self._client.set(keys.ALIVE, b"", px=1000)
                log.info("redis answers again")
                self._looking = None
                return

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)


class RedisLeases:
    """A lease is one hash; the server's own clock decides when it ends. What is remembered of it goes after seven days."""

    def __init__(self, scripts: Scripts) -> None:
        self._run = scripts.run
        names = ("acquire", "begin", "renew", "release")
        self._acquire, self._begin, self._renew, self._release = (scripts.load(f"lease_{name}") for name in names)

    async def acquire(self, key: str, holder: str, ttl: float) -> Grant | None:
        got = await self._run(lambda: self._acquire(keys=[key], args=[holder, round(ttl * 1000), REMEMBERED]))
        if not got:
            return None
        note = None if got[3] is None else got[3].decode()
        return Grant(note=note, strikes=int(got[1]), place=int(got[2]))

    async def begin(self, key: str, holder: str, place: int, strikes: int) -> None:
        await self._run(lambda: self._begin(keys=[key], args=[holder, place, strikes]))

    async def renew(self, key: str, holder: str, ttl: float) -> bool | None:
        got = await self._run(lambda: self._renew(keys=[key], args=[holder, round(ttl * 1000), REMEMBERED]))
        return None if got < 0 else bool(got)

    async def release(self, key: str, holder: str, note: str) -> bool:
        return bool(await self._run(lambda: self._release(keys=[key], args=[holder, note, REMEMBERED])))


class RedisMemory:
    """A conversation is one value, with the log sequence it stands at in front."""

    def __init__(self, scripts: Scripts, client: redis.Redis) -> None:
        self._run, self._client = scripts.run, client
        self._save = scripts.load("memory_save")

    async def load(self, lane: str) -> Conversation | None:
        kept = await self._run(lambda: cast(Awaitable[Any], self._client.hget(keys.memory(lane), "value")))
        if kept is None:
            return None
        try:
            return decode(Conversation, kept)
        except RecordError as error:
            log.warning("memory is not readable and counts as empty", lane=lane, error=str(error))
            return None

    async def save(self, conversation: Conversation, *, ttl: float) -> None:
        key, value, seconds = keys.memory(conversation.lane), encode(conversation), max(1, round(ttl))
        await self._run(lambda: self._save(keys=[key], args=[conversation.at, value, seconds]))


class RedisStore:
    def __init__(self, client: redis.Redis) -> None:
        self.scripts = Scripts(client)
        self.leases = RedisLeases(self.scripts)
        self.memory = RedisMemory(self.scripts, client)


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[RedisStore]:
    """Opens nothing before it is used, so it never fails because Redis is away."""
    client = _client(url, ANSWER, CONNECTIONS)
    store = RedisStore(client)
    try:
        yield store
    finally:
        await store.scripts.close()
        with suppress(RedisError, OSError):
            await client.aclose()


async def check(url: str, *, may_forget: bool = False) -> None:
    """Raises ConfigError, naming the fix, for a Redis that is unreachable, too old, or keeps nothing over a restart (unless
    `may_forget`)."""
    where = f"REDIS_URL {shown(url)}"
    client = _client(url, 3.0, 1)
    try:
        info = await client.info("server")
        version = str(info["redis_version"])
        if tuple(int(number) for number in version.split(".")[:2]) < OLDEST:
            raise ConfigError(f"{where}: Redis {version} is too old: 6.2 or newer, or Valkey, is needed")
        if not may_forget and await _forgets(client):
            raise ConfigError(
                f"{where}: this Redis keeps nothing over a restart: set `appendonly yes` in it, or"
                " TURNOUT_REDIS_MAY_FORGET=1 to run without"
            )
    except (RedisError, OSError) as error:
        raise ConfigError(f"{where}: Redis does not answer ({error}): start it, or correct the address") from None
    finally:
        await client.aclose()


async def _forgets(client: redis.Redis) -> bool:
    """Managed services that hide CONFIG keep copies on their own and are taken at their word."""
    try:
        config = await client.config_get("appendonly", "save")
    except ResponseError:
        log.warning("this Redis does not say whether it keeps what is written: make sure that it does")
        return False
    return config.get("appendonly") != "yes" and not config.get("save")


def _client(url: str, timeout: float, connections: int) -> redis.Redis:
    try:
        pool = redis.BlockingConnectionPool.from_url(
            url,
            max_connections=connections,
            timeout=timeout,
            socket_connect_timeout=timeout,
            socket_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
    except ValueError as error:
        raise ConfigError(f"REDIS_URL is no address of a Redis: {error}") from None
    return redis.Redis.from_pool(pool)
