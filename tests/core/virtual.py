"""Tests whose time does not depend on how fast the machine is."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import Any, ParamSpec

from tests.simulation.loop import running

P = ParamSpec("P")
SLOWER = 100


class Ahead(asyncio.SelectorEventLoop):
    """A loop for what has to use real sockets: its clock goes a hundred times slower than others, so that no deadline is met by
    waiting, and is put forward by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead, self._began = 0.0, super().time()

    def time(self) -> float:
        began = getattr(self, "_began", 0.0)
        return began + (super().time() - began) / SLOWER + getattr(self, "ahead", 0.0)


def run_ahead(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=Ahead) as runner:
        runner.run(main)


def in_virtual_time(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """An asynchronous test as one whose time passes only while nothing else can happen, and then at once. It may use nothing
    outside this process."""

    @functools.wraps(test)
    def run(*args: P.args, **options: P.kwargs) -> None:
        with running(Random(1)) as loop:
            loop.run_until_complete(test(*args, **options))

    return run
