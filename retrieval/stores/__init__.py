"""Stores: where an index keeps its passages. `contract` says what one promises; there are two, which rank alike: the shard in
this process (`shard`) and a Qdrant server (`server`, over `rest`)."""

import fcntl
import shutil
from pathlib import Path
from typing import IO
from uuid import uuid4

from core.errors import ConfigError
from retrieval.manifest import Manifest
from retrieval.stores.contract import Store
from retrieval.stores.rest import Server
from retrieval.stores.server import ServerStore, forget, names
from retrieval.stores.shard import Shard

FORMAT = 4
"""Of what stands in a store; with another number it is made anew from the texts."""

EMBEDDED, SERVER = KINDS = ("embedded", "server")
SECOND = "embedded-second"
"""Where a shard is written anew while the one that serves lies at EMBEDDED, and the other way round."""

KIND, NAME = "store", "collection"


class Stores:
    """The stores of one index. Which of them it is searched in, the manifest says; the collections' names begin with one that
    the manifest made up, so that several indexes share a server."""

    def __init__(self, folder: Path, manifest: Manifest, server: Server | None) -> None:
        self._folder, self._manifest, self._server = folder, manifest, server
        self._owner = _owned(folder)

    def close(self) -> None:
        self._owner.close()

    @property
    def kind(self) -> str:
        """Where it lies: a new one on the server, where there is one, one that is there already where it was."""
        if not self._manifest.get(KIND):
            new = not self._manifest.counts()[0] and self._server
            self._manifest.put(KIND, SERVER if new else EMBEDDED)
        return self._manifest.get(KIND)

    @property
    def spare(self) -> str:
        """Where the shard that serves can be written anew; "" where none serves."""
        return {EMBEDDED: SECOND, SECOND: EMBEDDED}.get(self.kind, "")

    def serves(self, kind: str) -> bool:
        """Whether the passages are kept so, as people say it."""
        return (kind == SERVER) == (self.kind == SERVER)

    def serve(self, kind: str) -> None:
        self._manifest.put(KIND, kind)

    def open(self, kind: str, language: str) -> Store:
        """Raises Broken, StoreUnavailable or ConfigError."""
        if kind == SERVER:
            return ServerStore(self._wanted(), self._collection(language))
        return Shard(self.folder(kind, language))

    def anew(self, kind: str, language: str) -> Store:
        """An empty one in place of what was there."""
        self.remove(kind, language)
        return self.open(kind, language)

    def remove(self, kind: str, language: str) -> None:
        if kind == SERVER:
            forget(self._wanted(), self._collection(language))
        else:
            shutil.rmtree(self.folder(kind, language), ignore_errors=True)

    def tidy(self) -> None:
        """Nothing is kept of another format, nor of a shard whose place a server has taken. Raises as `open` does."""
        if self.kind == SERVER:
            ours = f"{self._manifest.get(NAME)}-"
            for name in names(self._wanted()):
                if name.startswith(ours) and not name.startswith(f"{ours}{FORMAT}-"):
                    forget(self._wanted(), name)
        kept = set() if self.kind == SERVER else {*self._folder.glob(f"shard-{FORMAT}-*")}
        for old in {*self._folder.glob("shard-*")} - kept:
            shutil.rmtree(old)

    def folder(self, kind: str, language: str) -> Path:
        return self._folder / f"shard-{FORMAT}-{language}{kind.removeprefix(EMBEDDED)}"

    def told(self, kind: str) -> str:
        return f"on {self._wanted()}" if kind == SERVER else "in this process"

    def _collection(self, language: str) -> str:
        if not self._manifest.get(NAME):
            self._manifest.put(NAME, f"turnout-{uuid4().hex[:12]}")
        return f"{self._manifest.get(NAME)}-{FORMAT}-{language}"

    def _wanted(self) -> Server:
        if self._server is None:
            raise ConfigError("QDRANT_URL is not set: set it to the Qdrant server for the retrieval service, and restart that")
        return self._server


def _owned(folder: Path) -> IO[bytes]:
    """A lock on the folder, until it is closed or this process ends."""
    owner = (folder / "owner").open("ab")
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner.close()
        raise ConfigError(f"{folder} is in use: another retrieval service runs on this TURNOUT_DATA") from None
    return owner
