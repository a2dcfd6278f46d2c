"""An event loop in virtual time, and the processes that run on it.

Time stands still while anything can run and then jumps to the next timer, so an hour takes as long as what happens in it.
Callbacks run in the order asyncio gives them: within one process that order is part of asyncio's promise, and permuting it would
show interleavings that cannot happen. What differs from seed to seed is *when* each reply arrives (`tests.simulation.net`).

A *process* is whatever runs in its context: killed, none of its callbacks ever runs again, `finally` blocks among them; frozen,
its callbacks and its timers wait, and go on late in the order they came due.
"""

import asyncio
import contextvars
import heapq
import itertools
import secrets
import sys
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

EPOCH = 1_700_000_000.0
STEPS = 3_000_000
ROUNDS = 20

PROCESS: contextvars.ContextVar["Process | None"] = contextvars.ContextVar("process", default=None)


class Stuck(Exception):
    """Nothing can happen any more, or nothing ends."""


class Task(asyncio.Task):
    """Hashed by its number instead of its address, so that sets of tasks have the same order in every run."""

    def __init__(self, coro: Coroutine[Any, Any, Any], *, number: int, **options: Any) -> None:
        self.number = number
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self.number


class Loop(asyncio.BaseEventLoop):
    """`tasks` are all that were made, kept so that none of a dead process is collected, which would run its `finally` blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.ended, self.steps = 0.0, False, 0
        self.tasks: list[Task] = []
        self.processes: list[Process] = []
        self.trouble: list[str] = []
        self._numbers = itertools.count(1)
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self.set_exception_handler(self._note)

    def time(self) -> float:
        return self.now

    def create_task(self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Any = None) -> Task:
        task = Task(coro, number=next(self._numbers), loop=self, name=name or "task", context=context)
        self.tasks.append(task)
        return task

    def end(self) -> None:
        """Cancel everything; the dead and the frozen run again for it, so that their coroutines end in order."""
        self.ended = True
        for process in self.processes:
            self.release(process.waiting)
        for _ in range(ROUNDS):
            left = [task for task in self.tasks if not task.done()]
            if not left:
                break
            for task in left:
                task.cancel()
            self.run_until_complete(asyncio.wait(left, timeout=60))
        else:
            raise Stuck(f"cancelled {ROUNDS} times, they run on: {left}")
        self.run_until_complete(self.shutdown_asyncgens())
        self.close()

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """Timers of the same moment run in the order they were made."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def _run_once(self) -> None:
        ready, timers = self._ready, self._timers
        while timers and timers[0][2]._cancelled:
            heapq.heappop(timers)
        if not ready and not self._stopping:
            if not timers:
                raise Stuck("nobody waits for anything that could still happen")
            self.now = max(self.now, timers[0][0])
        while timers and timers[0][0] <= self.now:
            ready.append(heapq.heappop(timers)[2])
        self.steps += len(ready)
        if self.steps > STEPS:
            raise Stuck(f"no end after {STEPS} steps")
        for _ in range(len(ready)):
            handle = ready.popleft()
            process = handle._context.get(PROCESS)
            if handle._cancelled:
                continue
            if process is None or process.state == "running" or self.ended:
                handle._run()
            else:
                process.waiting.append(handle)

    def release(self, handles: deque[asyncio.Handle]) -> None:
        self._ready.extend(handles)
        handles.clear()

    def _write_to_self(self) -> None:
        """Nobody sleeps in a system call."""

    def _note(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not self.ended:
            self.trouble.append(f"{context['message']}: {context.get('exception')!r}")


class Process:
    """One simulated process. `lost` is called when it is killed: what the outside does when its connections break."""

    def __init__(self, loop: Loop, name: str) -> None:
        self.name, self.state, self.started = name, "running", loop.time()
        self.waiting: deque[asyncio.Handle] = deque()  # what would run; of a dead process, until the world ends
        self.lost: list[Callable[[], object]] = []
        self._loop = loop
        loop.processes.append(self)
        self._context = contextvars.copy_context()
        self._context.run(PROCESS.set, self)
        self.main: Task | None = None

    def start(self, main: Coroutine[Any, Any, Any]) -> Task:
        self.main = self._loop.create_task(main, name=self.name, context=self._context)
        return self.main

    def kill(self) -> None:
        self.state = "dead"
        for lost in self.lost:
            lost()

    def freeze(self) -> None:
        self.state = "frozen"

    def thaw(self) -> None:
        if self.state == "frozen":
            self.state = "running"
            self._loop.release(self.waiting)

    @property
    def ended(self) -> bool:
        return self.state == "dead" or (self.main is not None and self.main.done())


@contextmanager
def running(rng: Random) -> Iterator[Loop]:
    """A loop whose clocks and tokens are the only ones; whatever still runs at the end is ended in order."""
    loop = Loop()
    places = [
        (time, "time", lambda: EPOCH + loop.now),
        (time, "perf_counter", loop.time),
        (secrets, "token_hex", lambda size: f"{rng.getrandbits(8 * size):0{2 * size}x}"),
    ]
    before = [(module, name, getattr(module, name)) for module, name, _ in places]
    hooks = sys.get_asyncgen_hooks()
    for module, name, value in places:
        setattr(module, name, value)
    try:
        yield loop
    finally:
        loop.end()
        sys.set_asyncgen_hooks(*hooks)
        for module, name, value in before:
            setattr(module, name, value)
