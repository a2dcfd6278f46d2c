"""The page and the widget: read once, kept in memory with an entity tag and a gzip form each."""

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    body: bytes
    packed: bytes
    kind: str
    tag: str

    @classmethod
    def read(cls, path: Path) -> "Asset":
        body = path.read_bytes()
        tag = hashlib.sha256(body).hexdigest()[:16]
        return cls(body, gzip.compress(body, mtime=0), TYPES[path.suffix], f'"{tag}"')

    async def respond(self, request: Request) -> Response:
        headers = {"etag": self.tag, "cache-control": "no-cache", "vary": "accept-encoding", "content-type": self.kind}
        if self.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self.packed, headers=headers | {"content-encoding": "gzip"})
        return Response(self.body, headers=headers)


def routes() -> Iterator[Route]:
    for path in sorted(FOLDER.rglob("*")):
        if path.suffix in TYPES and not path.name.startswith("source."):
            name = path.relative_to(FOLDER).as_posix()
            yield Route("/" if name == "index.html" else f"/{name}", Asset.read(path).respond, methods=["GET"])
