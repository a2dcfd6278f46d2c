"""Asking a Qdrant server by its REST interface: JSON over connections that are kept.

What is asked twice does no harm, so that a question which may have been lost is asked again: at once where a kept connection
turned out to be closed, and where a server is busy or starting, after a pause.
"""

import http.client
import json
import queue
import ssl
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from core.errors import ConfigError, StoreUnavailable
from core.settings import shown

SECONDS, PATIENT = 4.0, 60.0
"""For what somebody waits, who gives up after five seconds; and for the rest."""

PAUSES = (0.2, 1.0)
"""Before a write is tried again that a busy server did not take."""


class Missing(StoreUnavailable):
    """The server has no such collection."""


@dataclass(frozen=True, slots=True)
class Server:
    """A Qdrant server: its address, and the key it wants, "" where it wants none."""

    url: str
    key: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"the Qdrant server at {shown(self.url)}"


class Rest:
    """All methods may be called from any thread."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._parts = urlsplit(server.url.rstrip("/"))
        self._kept: queue.SimpleQueue[http.client.HTTPConnection] = queue.SimpleQueue()

    def close(self) -> None:
        while not self._kept.empty():
            self._kept.get().close()

    def ask(self, method: str, path: str, body: object = None, *, patient: bool = False) -> Any:
        """What the server answers. Raises StoreUnavailable, Missing, or ConfigError where it refuses the key."""
        return self._ask(method, path, body, PATIENT if patient else SECONDS)

    def write(self, method: str, path: str, body: object = None) -> None:
        """The same for what changes something: done when this returns, and tried again where the server is busy."""
        for pause in PAUSES:
            try:
                return self._write(method, path, body)
            except Missing:
                raise
            except StoreUnavailable:
                time.sleep(pause)
        return self._write(method, path, body)

    def _write(self, method: str, path: str, body: object) -> None:
        result = self._ask(method, f"{path}?wait=true", body, PATIENT).get("result")
        if isinstance(result, dict) and result.get("status", "completed") != "completed":
            raise StoreUnavailable(f"{self.server} has not done in time what it was asked to do ({result['status']})")

    def _ask(self, method: str, path: str, body: object, seconds: float) -> Any:
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        try:
            status, answer = self._sent(method, path, data, seconds)
        except (OSError, http.client.HTTPException) as error:
            raise StoreUnavailable(f"{self.server} does not answer ({error or type(error).__name__})") from None
        if status in (401, 403):
            raise ConfigError(f"{self.server} refuses the key ({status}): set QDRANT_API_KEY to a valid one")
        if status != 200:
            kind = Missing if status == 404 else StoreUnavailable
            raise kind(f"{self.server} answers {status}: {_reason(answer)}")
        try:
            return json.loads(answer)
        except ValueError:
            raise StoreUnavailable(f"{self.server} sent something that is no answer: is it a Qdrant server?") from None

    def _sent(self, method: str, path: str, data: bytes | None, seconds: float) -> tuple[int, bytes]:
        """Over a kept connection, and once more over a new one where the kept one was closed meanwhile."""
        while True:
            connection, kept = self._connection(seconds)
            try:
                connection.request(method, self._parts.path + path, data, self._headers())
                answer = connection.getresponse()
                read = answer.status, answer.read()
            except BaseException as error:
                connection.close()
                if kept and isinstance(error, ConnectionError | http.client.BadStatusLine):
                    continue
                raise
            self._kept.put(connection)
            return read

    def _connection(self, seconds: float) -> tuple[http.client.HTTPConnection, bool]:
        try:
            connection, kept = self._kept.get_nowait(), True
        except queue.Empty:
            connection, kept = self._new(), False
        connection.timeout = seconds
        if connection.sock is not None:
            connection.sock.settimeout(seconds)
        return connection, kept

    def _new(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            return http.client.HTTPSConnection(host, port or 443, context=ssl.create_default_context())
        return http.client.HTTPConnection(host, port or 6333)

    def _headers(self) -> dict[str, str]:
        key = {"api-key": self.server.key} if self.server.key else {}
        return {"Content-Type": "application/json", **key}


def _reason(answer: bytes) -> str:
    """What a server says of an error: its own words where it is Qdrant."""
    try:
        return str(json.loads(answer)["status"]["error"])[:300]
    except (ValueError, KeyError, TypeError):
        return answer[:100].decode("utf-8", "replace")
