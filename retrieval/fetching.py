"""Fetching: a page of the web, which may be anything and may lead anywhere.

Each hop is checked by `addresses.Door`, and connected to at an address that was checked. There is a limit to the time, the
hops, the bytes that come and what they unpack to; no cookies, no proxies, no passwords. `Web.get` raises an Unreadable.
"""

import asyncio
import socket
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from retrieval.addresses import Door, Refused
from retrieval.readers import LARGEST
from retrieval.readers.contract import Corrupt, TooLarge, TooSlow, Unreadable

AGENT = "turnout"
HOPS = 5
SECONDS = 60.0
CHUNK = 1 << 16
REDIRECTS = (301, 302, 303, 307, 308)

Dial = Callable[[Any], socket.socket]


class Unreachable(Unreadable):
    """The page does not come, or not now. `status` is what the server answered, 0 where none did."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Gone(Unreachable):
    """The page is there no more."""


@dataclass(frozen=True, slots=True)
class Page:
    """What came. `changed` False: what `since` was given for is still right, and there is no `data`."""

    url: str
    data: bytes = b""
    kind: str = ""
    charset: str = ""
    etag: str = ""
    modified: str = ""
    changed: bool = True

    @property
    def at(self) -> float:
        """When the page says that it was last changed, in Unix seconds; 0 where it does not."""
        try:
            return parsedate_to_datetime(self.modified).timestamp() if self.modified else 0.0
        except (ValueError, OverflowError, OSError):
            return 0.0


def dial(place: Any) -> socket.socket:
    """The socket of a connection."""
    family, kind, protocol, *_ = place
    return socket.socket(family, kind, protocol)


class Web:
    """Fetches through one door. `dial` makes the sockets, and sees every address that is connected to."""

    def __init__(self, door: Door, *, dial: Dial = dial, seconds: float = SECONDS, most: int = LARGEST) -> None:
        self.door, self._dial, self._seconds, self._most = door, dial, seconds, most

    async def get(self, address: str, *, since: tuple[str, str] = ("", "")) -> Page:
        """The page at an address; `since` are the ETag and Last-Modified of what is known of it."""
        asking = {name: value for name, value in zip(("If-None-Match", "If-Modified-Since"), since, strict=True) if value}
        try:
            async with asyncio.timeout(self._seconds):
                return await self._follow(_parsed(address), asking)
        except TimeoutError:
            raise TooSlow(f"it took more than {self._seconds:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreachable(f"it cannot be reached ({type(error).__name__}: {error})") from None

    async def _follow(self, url: URL, asking: Mapping[str, str]) -> Page:
        trusted = True
        for _ in range(HOPS + 1):
            came = await self._hop(url, asking, trusted)
            if isinstance(came, Page):
                return came
            trusted = trusted and self.door.allows(url)  # a page of the open web leads nobody behind the wall
            url = came
        raise Refused(f"it is redirected more than {HOPS} times")

    async def _hop(self, url: URL, asking: Mapping[str, str], trusted: bool) -> Page | URL:
        """The page, or where it says that it is."""
        addresses = await self.door.addresses(url, trusted=trusted)
        headers = {"User-Agent": AGENT, "Accept-Encoding": "gzip", **asking}
        async with self._session(addresses) as session, session.get(url, headers=headers, allow_redirects=False) as answer:
            if answer.status in REDIRECTS:
                return url.join(_parsed(answer.headers.get("Location", "")))
            if answer.status == 304 and asking:
                return Page(str(url), changed=False)
            if answer.status in (404, 410):
                raise Gone(f"it is gone ({answer.status})", answer.status)
            if answer.status != 200:
                raise Unreachable(f"it answers {answer.status} {answer.reason or ''}".rstrip(), answer.status)
            charset = answer.charset or ""
            etag, modified = (answer.headers.get(name, "") for name in ("ETag", "Last-Modified"))
            return Page(str(url), await self._body(answer), answer.content_type, charset, etag, modified)

    def _session(self, addresses: list[str]) -> aiohttp.ClientSession:
        def checked(place: Any) -> socket.socket:
            if place[4][0] not in addresses:
                raise OSError(f"{place[4][0]} was not checked")
            return self._dial(place)

        connector = aiohttp.TCPConnector(resolver=_Pinned(addresses), socket_factory=checked, force_close=True)
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False
        )

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        packing = answer.headers.get("Content-Encoding", "identity").strip().lower()
        if packing not in ("identity", "gzip", "x-gzip", "deflate", ""):
            raise Unreachable(f"it comes packed as {packing}, which was not asked for")
        data, size = [], 0
        async for chunk in answer.content.iter_chunked(CHUNK):
            size += len(chunk)
            if size > self._most:
                raise TooLarge(f"it is larger than {self._most >> 20} MiB")
            data.append(chunk)
        packed = b"".join(data)
        return packed if packing in ("identity", "") else await asyncio.to_thread(unpacked, packed, self._most)


class _Pinned(AbstractResolver):
    """Knows the addresses that were checked, and no others."""

    def __init__(self, addresses: list[str]) -> None:
        self._addresses = addresses

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_UNSPEC) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        pass


def unpacked(data: bytes, most: int) -> bytes:
    """What gzip or zlib data holds, if that is no more than `most` bytes. Raises TooLarge or Corrupt."""
    out, size = [], 0
    while data:
        unpacking = zlib.decompressobj(47)
        try:
            out.append(unpacking.decompress(data, most - size + 1))
        except zlib.error as error:
            raise Corrupt(f"it is not packed as it says ({error})") from None
        size += len(out[-1])
        if size > most:
            raise TooLarge(f"it unpacks to more than {most >> 20} MiB")
        if not unpacking.eof:
            raise Corrupt("it ends in the middle of what is packed")
        data = unpacking.unused_data.lstrip(b"\0")
    return b"".join(out)


def _parsed(address: str) -> URL:
    """Raises Refused at what is no address."""
    try:
        return URL(address)
    except ValueError as error:
        raise Refused(f"{address[:200]!r} is no address ({error})") from None
