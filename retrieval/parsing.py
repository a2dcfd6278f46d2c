"""Parsing in another process: a file may take a minute, half of it the processor's, and two gigabytes; then the process is
killed and the next one starts."""

import asyncio
import os
import signal
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from retrieval.readers import contract
from retrieval.readers.contract import LoadedDocument, TooSlow, Unreadable
from retrieval.splitting import WORDS, Piece
from retrieval.worker import PROCESSOR, Answer, Question

PATIENCE = 60.0
ENVIRONMENT = ("PATH", "PYTHONPATH", "HOME", "LANG", "LC_ALL", "TMPDIR")


class Parser:
    """Reads one file at a time. Made by `parser()`."""

    def __init__(self, patience: float, words: int) -> None:
        self.patience, self.words = patience, words
        self._process: subprocess.Popen[bytes] | None = None

    async def parse(self, path: Path, source: str) -> tuple[LoadedDocument, list[Piece]]:
        """A file's document and passages. Raises an Unreadable."""
        if self._process is None:
            self._process = await asyncio.to_thread(_start)
        process = self._process
        asking = asyncio.create_task(asyncio.to_thread(_ask, process, Question(str(path), source, self.words)))
        try:
            async with asyncio.timeout(self.patience):
                answer = await asyncio.shield(asking)
        except BaseException as error:
            await self.stop()  # which ends the thread that waits for its answer
            await asyncio.wait([asking])
            if isinstance(error, TimeoutError):
                raise TooSlow(f"reading it took more than {self.patience:g} s") from None
            if isinstance(error, EOFError | OSError):
                over = error.args == (-signal.SIGXCPU,)
                reason = f"more than {PROCESSOR} s of processor time" if over else "out of memory, or a crash"
                raise TooSlow(f"its reader died of it ({reason})") from None
            raise
        if answer.document is None:
            kind: type[Unreadable] = getattr(contract, answer.failed)
            raise kind(answer.reason)
        return answer.document, list(answer.pieces)

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await asyncio.to_thread(_end, process)


@asynccontextmanager
async def parser(patience: float = PATIENCE, words: int = WORDS) -> AsyncIterator[Parser]:
    """A parser whose process lives as long as the block; it starts with the first file. `words`: the most of a passage."""
    made = Parser(patience, words)
    try:
        yield made
    finally:
        await made.stop()


def command() -> tuple[str, ...]:
    return (sys.executable, "-m", "retrieval.worker")


def environment() -> dict[str, str]:
    """What the process may know: it reads foreign files, so no tokens and no keys."""
    return {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}


def _start() -> "subprocess.Popen[bytes]":
    """By subprocess, not by the event loop: uvloop forks, and a fork waits for ever for a numpy that is computing."""
    pipe = subprocess.PIPE
    return subprocess.Popen(command(), stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment())


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


def _ask(process: "subprocess.Popen[bytes]", question: Question) -> Answer:
    """Raises EOFError with its exit status, or OSError, when the process dies."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(msgspec.json.encode(question) + b"\n")
    process.stdin.flush()
    head = process.stdout.read(4)
    size = struct.unpack(">I", head)[0] if len(head) == 4 else 1
    data = process.stdout.read(size) if len(head) == 4 else b""
    if len(data) < size:
        raise EOFError(process.wait())
    return msgspec.msgpack.decode(data, type=Answer)
