"""A server as a child process: started on one port, watched, restarted on the same port, never left behind."""

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from core.errors import ConfigError

log = structlog.get_logger("core.embedded")

START = 30.0
PROBE, FAILURES, AGAIN = 3.0, 3, 0.3
GRACE = 5.0
SLOWEST = 5.0
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None

Probe = Callable[[int], Awaitable[None]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with(parent: int) -> Callable[[], None]:
    """Runs in the child before the program starts: the kernel kills it when its parent is gone, however that went. Elsewhere
    than on Linux an orphan holds the folder's lock, so the next start names it."""

    def arrange() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

    return arrange


@dataclass
class Child:
    """`command` builds the arguments for a port; `probe` returns once the server on a port is well, else raises OSError.
    `lock` is an open file that the child inherits: whoever waits for its lock waits for the child too."""

    name: str
    scheme: str
    command: Callable[[int], list[str]]
    probe: Probe
    logfile: Path
    environment: Mapping[str, str]
    lock: int
    on_start: Callable[[], None] = lambda: None
    port: int = 0
    process: asyncio.subprocess.Process | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    async def start(self) -> None:
        """On a free port. Raises ConfigError with the last words of a server that does not come up."""
        for attempt in range(3):
            self.port = free_port()
            try:
                return await self.launch()
            except OSError as error:
                log.warning("server did not start", server=self.name, attempt=attempt + 1, error=str(error))
        raise ConfigError(f"{self.name} does not start: {self._last_words()} (all of it in {self.logfile})")

    async def keep(self) -> None:
        """Restart it on the same port whenever it ends or stops answering; ends only by being cancelled."""
        pause, loop = 0.05, asyncio.get_running_loop()
        while True:
            began = loop.time()
            why = await self._ended()
            pause = 0.05 if loop.time() - began > 30 else min(pause * 2, SLOWEST)
            log.error("server gone, starting it again", server=self.name, why=why, port=self.port)
            await asyncio.sleep(pause)
            try:
                await self.launch()
                log.info("server answers again", server=self.name, port=self.port)
            except OSError as error:
                log.error("server did not start", server=self.name, error=str(error), said=self._last_words())

    async def stop(self) -> None:
        if self.process is None or self.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            async with asyncio.timeout(GRACE):
                await self.process.wait()
        except TimeoutError:
            log.warning("server does not stop, killing it", server=self.name)
            await self.kill()

    async def launch(self) -> None:
        """On the port it had. Raises OSError when it ends or does not answer in 30 s."""
        with self.logfile.open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *self.command(self.port),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(self.environment),
                pass_fds=(self.lock,),
                start_new_session=True,
                preexec_fn=_die_with(os.getpid()),
            )
        self.on_start()
        try:
            async with asyncio.timeout(START):
                await self._answers()
        except TimeoutError:
            await self.kill()
            raise OSError(f"no answer within {START:g} s") from None

    async def _answers(self) -> None:
        assert self.process is not None
        while True:
            if self.process.returncode is not None:
                raise OSError(f"ended with status {self.process.returncode}")
            if not await self._trouble():
                return
            await asyncio.sleep(0.01)

    async def _ended(self) -> str:
        """Returns why it has to be started again: it ended, or was killed because it answered ill, or not for nine seconds."""
        assert self.process is not None
        failures = 0
        while not await self._ends(AGAIN if failures else PROBE):
            trouble = await self._trouble()
            failures = failures + 1 if trouble else 0
            if failures == FAILURES:
                await self.kill()
                return trouble
        return f"it ended with status {self.process.returncode}"

    async def _ends(self, seconds: float) -> bool:
        """Whether it ends before it is time to look after it again."""
        assert self.process is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.process.wait()
        return self.process.returncode is not None

    async def _trouble(self) -> str:
        """What its probe finds wrong, "" when it is well."""
        try:
            async with asyncio.timeout(PROBE):
                await self.probe(self.port)
        except TimeoutError:
            return "it did not answer"
        except OSError as error:
            return str(error) or type(error).__name__
        return ""

    async def kill(self) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = self.logfile.read_text(errors="replace").splitlines()
            return lines[-1] if lines else "it said nothing"
        return "it said nothing"
