"""A TCP proxy that misbehaves on command, in front of any server: it swallows answers, slows down, stands still, breaks
connections, says things the server never said. Every switch counts at once, for open connections and new ones."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

AHEAD = 256  # chunks read while the first of them still waits: a delay is a longer way, not a slower one


class Way:
    """One direction: bytes arrive `delay` seconds later, at most `rate` of them a second (0: any number), none while frozen."""

    def __init__(self) -> None:
        self.delay = self.rate = 0.0
        self.moving = asyncio.Event()
        self.moving.set()


class Proxy:
    """`asks` and `answers` are the two ways. `deaf` swallows what the server answers (the work is done, the answer is lost);
    `refuse` takes no connections; `cut_after` breaks the next connection on which that many bytes of answers have passed (half an
    answer). `begun` and `ended` count connections, `swallowed` the bytes nobody heard."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self.port = 0
        self.asks, self.answers = Way(), Way()
        self.deaf = False
        self.refuse = False
        self.cut_after: int | None = None
        self.begun = self.ended = self.swallowed = 0
        self._clients: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def say(self, words: bytes) -> None:
        """To every client, in the server's name."""
        for writer in list(self._clients):
            writer.write(words)
            await writer.drain()

    def cut(self) -> None:
        """Break every connection."""
        for writer in list(self._clients):
            writer.transport.abort()

    def freeze(self) -> None:
        """Nothing passes, connections stay open; what comes meanwhile arrives after `thaw`."""
        self.asks.moving.clear()
        self.answers.moving.clear()

    def thaw(self) -> None:
        self.asks.moving.set()
        self.answers.moving.set()

    def slow(self, delay: float = 0.0, rate: float = 0.0) -> None:
        """Both ways; without arguments, as fast as it goes. A question and its answer together take twice the delay."""
        for way in (self.asks, self.answers):
            way.delay, way.rate = delay, rate

    def heal(self) -> None:
        """Everything passes again."""
        self.deaf, self.refuse, self.cut_after = False, False, None
        self.slow()
        self.thaw()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Proxy"]:
        server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            if not self.refuse:
                await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):  # at the end of the test, nobody is left to tell
            pass
        finally:
            writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(*self._server)
        self.begun += 1
        self._clients.add(writer)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._copy(reader, up_writer, self.asks))
                both.create_task(self._copy(up_reader, writer, self.answers))
        finally:
            self._clients.discard(writer)
            self.ended += 1
            up_writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        chunks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(AHEAD)
        reading = asyncio.create_task(_read(reader, chunks, way))
        try:
            with suppress(OSError):
                await self._write(writer, chunks, way)
        finally:
            reading.cancel()
            writer.close()

    async def _write(self, writer: asyncio.StreamWriter, chunks: asyncio.Queue[tuple[float, bytes]], way: Way) -> None:
        passed = 0
        while True:
            due, data = await chunks.get()
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            await way.moving.wait()
            if not data:
                return
            if way is self.answers and self.deaf:
                self.swallowed += len(data)
                continue
            passed = 0 if self.cut_after is None else passed + len(data)
            if way is self.answers and self.cut_after is not None and passed >= self.cut_after:
                writer.write(data[: len(data) - (passed - self.cut_after)])
                self.cut_after = None
                return
            for piece in _pieces(data, way.rate):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(len(piece) / way.rate if way.rate else 0)


async def _read(reader: asyncio.StreamReader, chunks: asyncio.Queue[tuple[float, bytes]], way: Way) -> None:
    """What comes, with the time it is due; b"" at its end."""
    data = b"begun"
    while data:
        try:
            data = await reader.read(65536)
        except OSError:
            data = b""
        await chunks.put((asyncio.get_running_loop().time() + way.delay, data))


def _pieces(data: bytes, rate: float) -> list[bytes]:
    """A tenth of a second's worth each."""
    size = max(1, int(rate / 10)) if rate else len(data) or 1
    return [data[start : start + size] for start in range(0, len(data), size)]
