"""Server-sent events from bytes as they come off a socket: any line ending, any split, comments, data over several lines."""


class TooLong(ValueError):
    """A line or event that does not end."""


class Events:
    """Feed it bytes, get the data of each event that is complete. Names, ids and comments are dropped."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, received: bytes) -> list[bytes]:
        """Raises TooLong when an event grows past the limit in bytes."""
        lines = (self._rest + received).splitlines(keepends=True)
        self._rest = b"" if not lines or lines[-1].endswith(b"\n") else lines.pop()
        events: list[bytes] = []
        for line in lines:
            self._take(line.rstrip(b"\r\n"), events)
        if len(self._rest) + sum(map(len, self._data)) > self._limit:
            raise TooLong(f"an event of more than {self._limit} bytes")
        return events

    def close(self) -> list[bytes]:
        """What is left when the stream ends without the last blank line, as sloppy servers do."""
        events: list[bytes] = []
        self._take(self._rest.rstrip(b"\r\n"), events)
        self._take(b"", events)
        self._rest = b""
        return events

    def _take(self, line: bytes, events: list[bytes]) -> None:
        if line.startswith(b"data:"):
            self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
        elif not line and self._data:
            events.append(b"\n".join(self._data))
            self._data = []
