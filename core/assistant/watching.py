"""The assistant file as it stands, while it is edited."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import structlog

from core.assistant.reading import read
from core.assistant.tables import Assistant
from core.errors import ConfigError

log = structlog.get_logger()


class Watched:
    """The assistant file as it stands, while it is edited. A broken edit is logged and keeps the last good one.

    Raises ConfigError when made on a file that cannot be used. Ask `current()` now and then, or loop over `changes()`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp = self._look()
        self.assistant = read(path)
        self.error = ""

    def current(self) -> Assistant:
        """The assistant, read again if the file has changed since it was last looked at. Costs one `stat`."""
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self.assistant, self.error = read(self.path), ""
            except ConfigError as error:
                self.error = str(error)
                log.error("assistant file not usable, the last good one stays", file=str(self.path), reason=self.error)
        return self.assistant

    async def changes(self, every: float = 1.0) -> AsyncIterator[Assistant]:
        """Each new assistant, within `every` seconds of the edit. Never ends by itself."""
        last = self.assistant
        while True:
            await asyncio.sleep(every)
            if (now := self.current()) is not last and now != last:
                last = now
                yield now

    def _look(self) -> tuple[int, int, int]:
        try:
            state = self.path.stat()
        except OSError:
            return (0, 0, 0)
        return (state.st_mtime_ns, state.st_size, state.st_ino)
