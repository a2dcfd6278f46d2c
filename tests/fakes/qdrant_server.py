"""A Qdrant server over real HTTP: what it holds lies in Qdrant Edge, the same engine, so it filters, ranks and counts truthfully.

Requests are checked against the models of Qdrant's own client, which are made from its OpenAPI description and forbid what that
does not know, so a request that the real server would refuse is refused here too.

with QdrantServer(folder) as server:
    server.next(503, 0)             # the statuses of the next requests; 0: the connection is closed without an answer
    server.key = "secret"           # what the api-key must be from now on
    ... server.url ...
"""

import json
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from qdrant_client.http import models as m

from tests.fakes.qdrant_collection import Collection
from tests.fakes.qdrant_json import Refusal, checked


class QdrantServer:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.key, self.version, self.port = folder, "", "1.20.0", 0
        self.asked: list[tuple[str, str]] = []
        self.collections: dict[str, Collection] = {}
        self.slow = 0.0
        self._next: deque[int] = deque()
        self._lock = threading.RLock()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def next(self, *statuses: int) -> None:
        self._next.extend(statuses)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self) -> None:
        """Again at the same address, with all it held, after a stop."""
        self.collections = {path.name: Collection(path) for path in self.folder.glob("*") if path.is_dir()}
        self._server = _Http(("127.0.0.1", self.port), type("Answering", (_Answering,), {"qdrant": self}))
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.hang_up()
            with self._lock:
                for collection in self.collections.values():
                    collection.shard.flush()
                    collection.shard.close()
            self._server = None

    def fault(self) -> int:
        with self._lock:
            return self._next.popleft() if self._next else 200

    def answer(self, method: str, path: str, body: bytes):
        self.asked.append((method, path))
        time.sleep(self.slow)
        if (method, path) == ("GET", "/"):
            return {"title": "qdrant - vector search engine", "version": self.version}
        if (method, path) == ("GET", "/collections"):
            return {"time": 0.001, "status": "ok", "result": {"collections": [{"name": name} for name in self.collections]}}
        name, _, rest = path.removeprefix("/collections/").partition("/")
        with self._lock:
            return {"time": 0.001, "status": "ok", "result": self._collection(method, name, rest, json.loads(body or "null"))}

    def _collection(self, method, name, rest, body):
        if rest == "exists":
            return {"exists": name in self.collections}
        if (method, rest) == ("PUT", ""):
            if name in self.collections:
                raise Refusal(409, f"Wrong input: Collection `{name}` already exists!")
            self.collections[name] = Collection(self.folder / name, checked(m.CreateCollection, body))
            return True
        if name not in self.collections:
            raise Refusal(404, f"Not found: Collection `{name}` doesn't exist!")
        if (method, rest) == ("DELETE", ""):
            self.collections.pop(name).remove()
            return True
        return self.collections[name].answer(method, rest, body)


class _Http(ThreadingHTTPServer):
    """Keeps its connections, to be cut when it stops, as a killed server's are."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.open = set()

    def get_request(self):
        connection, where = super().get_request()
        self.open.add(connection)
        return connection, where

    def hang_up(self):
        for connection in self.open:
            try:
                connection.shutdown(2)
            except OSError:
                continue

    def handle_error(self, *_):
        """A client that went away is no news."""


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    qdrant: QdrantServer

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path, _, _ = self.path.partition("?")
        status = self.qdrant.fault()
        if status == 0:
            self.close_connection = True
            return None
        if self.qdrant.key and self.headers.get("api-key") != self.qdrant.key:
            return self._send(401, "Must provide an API key or an Authorization bearer token", plain=True)
        if status != 200:
            return self._send(status, {"status": {"error": "scripted"}, "time": 0.0})
        try:
            self._send(200, self.qdrant.answer(self.command, path, body))
        except Refusal as refusal:
            self._send(refusal.status, {"status": {"error": str(refusal)}, "time": 0.0})
        except Exception as error:  # noqa: BLE001  # a server says what became of it
            self._send(500, {"status": {"error": f"Service internal error: {error!r}"}, "time": 0.0})

    do_GET = do_PUT = do_POST = do_DELETE = _answer

    def _send(self, status, answer, plain=False):
        data = answer.encode() if plain else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass
