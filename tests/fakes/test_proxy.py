"""The proxy of the fault tests does what it is told to, and heals."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.fakes.proxy import Proxy


class Echo:
    """A line comes, the same line goes back."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.heard.append(line)
            writer.write(line)
        writer.close()


class Client:
    """One connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def ask(self, line: bytes) -> None:
        self.writer.write(line + b"\n")

    async def answer(self) -> bytes:
        async with asyncio.timeout(45):
            return (await self.reader.readline()).strip()

    async def rest(self) -> bytes:
        async with asyncio.timeout(45):
            return await self.reader.read()


@pytest.fixture
async def world() -> AsyncIterator[tuple[Proxy, Client, Echo]]:
    echo = Echo()
    server = await asyncio.start_server(echo.answer, "127.0.0.1", 0)
    async with server, Proxy(*server.sockets[0].getsockname()).listening() as proxy:
        client = Client(*await asyncio.open_connection("127.0.0.1", proxy.port))
        client.ask(b"hello")
        assert await client.answer() == b"hello"
        yield proxy, client, echo
        client.writer.close()


async def test_a_deaf_proxy_has_the_work_done_and_loses_the_answer(world: tuple[Proxy, Client, Echo]) -> None:
    proxy, client, echo = world
    proxy.deaf = True
    client.ask(b"lost")
    while b"lost\n" not in echo.heard:
        await asyncio.sleep(0.01)
    while proxy.swallowed < len(b"lost\n"):
        await asyncio.sleep(0.01)
    proxy.heal()
    client.ask(b"kept")
    assert await client.answer() == b"kept"


async def test_what_comes_while_it_is_frozen_arrives_after_the_thaw_on_the_same_connection(
    world: tuple[Proxy, Client, Echo],
) -> None:
    proxy, client, echo = world
    proxy.freeze()
    client.ask(b"one")
    client.ask(b"two")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await client.reader.readline()
    assert echo.heard == [b"hello\n"]
    proxy.thaw()
    assert [await client.answer(), await client.answer()] == [b"one", b"two"]


async def test_a_delay_is_a_longer_way_and_a_rate_a_slower_one(world: tuple[Proxy, Client, Echo]) -> None:
    proxy, client, _ = world
    now = asyncio.get_running_loop().time
    proxy.slow(delay=0.1)
    started = now()
    for n in range(20):
        client.ask(b"%d" % n)
        await asyncio.sleep(0.005)
    assert [await client.answer() for _ in range(20)] == [b"%d" % n for n in range(20)]
    assert now() - started >= 0.19
    proxy.slow()
    proxy.answers.rate = 1000
    started = now()
    client.ask(b"x" * 300)
    assert await client.answer() == b"x" * 300
    assert now() - started >= 0.2


async def test_half_an_answer_and_then_the_connection_breaks(world: tuple[Proxy, Client, Echo]) -> None:
    proxy, client, _ = world
    proxy.cut_after = 3
    client.ask(b"whole answer")
    assert await client.rest() == b"who"
    again = Client(*await asyncio.open_connection("127.0.0.1", proxy.port))
    again.ask(b"whole answer")
    assert await again.answer() == b"whole answer"
    proxy.cut()
    assert await again.rest() == b""
    proxy.refuse = True
    refused = Client(*await asyncio.open_connection("127.0.0.1", proxy.port))
    assert await refused.rest() == b""
    for done in (again, refused):
        done.writer.close()
