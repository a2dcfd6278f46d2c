"""Child processes that are kept alive: started, started again with back-off when they die, asked to stop, then made to.

A child is the leader of its own session, so that a Ctrl-C in the terminal reaches only its keeper, and whatever it started
itself can be killed with it.
"""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, STDOUT, Process
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from core.errors import TurnoutError

FIRST_DELAY, LONGEST_DELAY, STABLE = 0.5, 10.0, 30.0
EARLY, HOPELESS = 10.0, 3
LONGEST_LINE = 2**20
LAST_WORDS = 10.0  # seconds to read what it said before it ended

Show = Callable[[str, str], None]
"""Takes a child's name and one line of what it said."""


class Hopeless(TurnoutError):
    """A child fails at once, each time it is started."""


@dataclass
class Child:
    """One process under care. Seconds throughout."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    show: Show
    process: Process | None = None
    retired: asyncio.Event = field(default_factory=asyncio.Event)
    said: deque[str] = field(default_factory=lambda: deque(maxlen=20))

    async def keep(self) -> None:
        """Keep it running until it is retired. Raises Hopeless when it fails HOPELESS times in a row within EARLY of its start
        and never did better: then no restart helps, and what it said last tells why."""
        clock = asyncio.get_running_loop().time
        delay, starts, proven = FIRST_DELAY, 0, False
        while not self.retired.is_set():
            started = clock()
            status = await self._run()
            lived = clock() - started
            if self.retired.is_set():
                return
            starts, proven = starts + 1, proven or status != 1 or lived >= EARLY
            if starts >= HOPELESS and not proven:
                raise Hopeless(f"{self.name} cannot start:\n{self._complaint()}")
            delay = FIRST_DELAY if lived >= STABLE or not proven else delay
            self.show(self.name, f"{_ending(status)} after {lived:.1f} s; starting again in {delay:g} s")
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self.retired.wait()
            delay = min(2 * delay, LONGEST_DELAY)

    async def stop(self, grace: float) -> None:
        """Retire it and ask it to stop; after `grace` seconds kill it and whatever it started."""
        self.retired.set()
        process = self.process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace):
                await process.wait()
        except TimeoutError:
            self.show(self.name, f"did not stop within {grace:g} s: killed")
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """Retire it and kill it, and whatever it started, now."""
        self.retired.set()
        self._kill_group()

    async def _run(self) -> int:
        self.said.clear()
        process = self.process = await asyncio.create_subprocess_exec(
            *self.command,
            env=dict(self.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            start_new_session=True,
            limit=LONGEST_LINE,
        )
        if self.retired.is_set():  # told while the process was being made
            self.kill()
        reading = asyncio.create_task(self._read(process), name=f"{self.name}-output")
        try:
            status = await process.wait()
            self._kill_group()  # a grandchild may hold the pipe open
            await asyncio.wait([reading], timeout=LAST_WORDS)
        finally:
            reading.cancel()
            self._kill_group()
        return status

    def _kill_group(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    async def _read(self, process: Process) -> None:
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:
                line = f"[a line longer than {LONGEST_LINE} bytes left out]\n".encode()
            if not line:
                return
            text = line.decode("utf-8", "replace").rstrip()
            self.said.append(text)
            self.show(self.name, text)

    def _complaint(self) -> str:
        lines = list(self.said)
        errors = [place for place, line in enumerate(lines) if line.startswith("Error: ")]
        return "\n".join(lines[errors[-1] :] if errors else lines).removeprefix("Error: ")


def _ending(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"ended with exit status {status}"
