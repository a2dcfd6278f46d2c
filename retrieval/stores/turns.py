"""Turns: many readers at once, or one who changes what they read."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Many may go `among` each other; who goes `alone` waits for those under way, and the next ones wait for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._going, self._alone = 0, threading.Lock()

    @contextmanager
    def among(self) -> Iterator[None]:
        with self._alone, self._changed:
            self._going += 1
        try:
            yield
        finally:
            with self._changed:
                self._going -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._alone:
            with self._changed:
                while self._going:
                    self._changed.wait()
            yield
