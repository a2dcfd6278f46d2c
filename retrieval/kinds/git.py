"""A Git repository: the files of its newest commit, fetched without history into a store of its own.

Nothing is checked out, so no hook, filter or link of the repository ever acts; only the bytes of regular tracked files are
read. The command gets no configuration, no password prompt and no way to any protocol but the one that was meant, and an
address is connected to where it was checked.
"""

import asyncio
import os
import subprocess
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from yarl import URL

from core.assistant import Source
from retrieval.addresses import Door
from retrieval.kinds.contract import Blob, Content, Listing, Offer, Place, Seen, meant
from retrieval.readers import LARGEST, READERS
from retrieval.readers.contract import TooLarge, TooSlow, Unreadable

SECONDS = 300.0
STORE_BLOCKS = 4 << 20
NEWEST = "refs/turnout/newest"
REGULAR = ("100644", "100755")
SAFE = ("core.hooksPath=/dev/null", "http.followRedirects=false", "gc.auto=0", "core.fsmonitor=false", "fetch.fsckObjects=true")


async def offers(source: Source, place: Place) -> Listing:
    """Every tracked file of a kind that is read. `at` may name a branch or tag after a #."""
    at, _, ref = source.at.partition("#")
    store = place.folder / f"{source.name}.git"
    remote, options = await _remote(source, at, place)
    await _fetch(store, remote, ref or "HEAD", options)
    tree = (await _git(store, "ls-tree", "-r", "-z", "-l", NEWEST)).decode("utf-8", "replace")
    at_commit = float(await _git(store, "log", "-1", "--format=%ct", NEWEST))
    found = Listing()
    for line in tree.split("\0"):
        facts, _, path = line.partition("\t")
        mode, kind, blob, size = facts.split() if path else ("", "", "", "")
        if mode in REGULAR and kind == "blob" and PurePosixPath(path).suffix.lower() in READERS and meant(source, path):
            found.offers.append(_offer(source, store, path, (blob, int(size), at_commit)))
    if not found.offers:
        raise Unreadable("it has no file of a kind that is read")
    return found


def _offer(source: Source, store: Path, path: str, facts: tuple[str, int, float]) -> Offer:
    blob, size, at = facts

    async def content() -> Content:
        if size > LARGEST:
            raise TooLarge(f"{size >> 20} MiB is more than the {LARGEST >> 20} MiB a reader takes: split the file")
        return Blob(PurePosixPath(path).name, await _git(store, "cat-file", "blob", blob))

    async def look(_stamp: str) -> Seen:
        return Seen(blob, content, blob, at)

    return Offer(f"{source.name}/{path}", f"{source.at}/{path}", look, blob)


async def _remote(source: Source, at: str, place: Place) -> tuple[str, list[str]]:
    """(what git fetches from, its options): a path of this machine, or an address whose name is resolved here, once."""
    if "://" not in at:
        return f"file://{quote(str(place.base / at))}", ["protocol.allow=never", "protocol.file.allow=always"]
    url = URL(at)
    addresses = await Door(source.allow, resolve=place.resolve).addresses(url)
    pinned = f"http.curloptResolve={url.host}:{url.port}:{','.join(addresses)}"
    return at, ["protocol.allow=never", f"protocol.{url.scheme}.allow=always", "http.proxy=", pinned]


async def _fetch(store: Path, remote: str, ref: str, options: list[str]) -> None:
    if not await asyncio.to_thread(_unlocked, store):
        await _git(None, "init", "--quiet", "--bare", "--template=", str(store))
    settings = [word for option in options for word in ("-c", option)]
    how = ("--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--end-of-options")
    await _git(store, *settings, "fetch", *how, remote, f"+{ref}:{NEWEST}")


def _unlocked(store: Path) -> bool:
    """Whether there is a store; locks that a git that was killed left behind are gone, as nobody else uses it."""
    store.parent.mkdir(parents=True, exist_ok=True)
    for lock in store.rglob("*.lock"):
        lock.unlink(missing_ok=True)
    return (store / "HEAD").exists()


async def _git(store: Path | None, *arguments: str) -> bytes:
    """What the command prints. Raises an Unreadable with the reason when it fails, or takes too long."""
    safe = [word for setting in SAFE for word in ("-c", setting)]
    where = [f"--git-dir={store}"] if store else []
    command = ["sh", "-c", f'ulimit -f {STORE_BLOCKS}; exec "$@"', "sh", "git", *where, *safe, *arguments]
    process = await asyncio.to_thread(_start, command)
    ending = asyncio.create_task(asyncio.to_thread(process.communicate))
    try:
        async with asyncio.timeout(SECONDS):
            out, told = await asyncio.shield(ending)
    except BaseException as error:
        process.kill()
        await asyncio.wait([ending])
        if isinstance(error, TimeoutError):
            raise TooSlow(f"git took more than {SECONDS:g} s") from None
        raise
    if process.returncode:
        lines = told.decode("utf-8", "replace").strip().splitlines()
        raise Unreadable(f"git: {lines[-1] if lines else f'it ended with {process.returncode}'}"[:300])
    return out


def _start(command: list[str]) -> "subprocess.Popen[bytes]":
    """By subprocess, not by the event loop, as in `retrieval.parsing`."""
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=_environment(), stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)


def _environment() -> dict[str, str]:
    silent = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "SSH_ASKPASS": "true", "LC_ALL": "C"}
    nothing_else = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "HOME": os.devnull}
    trusted = {"GIT_SSL_CAINFO": os.environ["SSL_CERT_FILE"]} if "SSL_CERT_FILE" in os.environ else {}
    return {"PATH": os.environ.get("PATH", os.defpath), **silent, **nothing_else, **trusted}
