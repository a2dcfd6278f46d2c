"""Pages of the web: one, or all that a site's map names. One that has not changed is not sent again (ETag, Last-Modified)."""

import asyncio
import hashlib
from pathlib import PurePosixPath
from urllib.robotparser import RobotFileParser

import msgspec
from yarl import URL

from core.assistant import Source
from retrieval.addresses import Door
from retrieval.fetching import AGENT, Page, Unreachable, Web, unpacked
from retrieval.kinds.contract import Blob, Content, Listing, Offer, Place, Seen, meant
from retrieval.kinds.sitemap import read
from retrieval.readers import LARGEST, READERS
from retrieval.readers.contract import Corrupt, TooLarge, Unreadable, Unsupported
from retrieval.records import Skipped

MAPS, PAGES = 100, 50_000
KINDS = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/markdown": ".md",
    "text/x-markdown": ".md",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/pdf": ".pdf",
    "message/rfc822": ".eml",
    "application/epub+zip": ".epub",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}
VAGUE = ("", "text/plain", "application/octet-stream", "binary/octet-stream")


async def page(source: Source, place: Place) -> Listing:
    """One page. That it is gone is a failure of the source: what is known of it stays until the owner takes the source out."""
    web = _web(source, place)
    return Listing([_offer(source, web, URL(source.at), 0.0)])


async def sitemap(source: Source, place: Place) -> Listing:
    """The pages of a site's map, or of the maps that a map of maps names, as far as robots.txt allows. Pages of other hosts are
    left out, as the standard has it."""
    web, map_ = _web(source, place), URL(source.at)
    robots = await _robots(web, map_)
    found: dict[str, tuple[URL, float]] = {}
    listing, maps = Listing(), [map_]
    for number, here in enumerate(maps):
        named = await asyncio.to_thread(read, await _unpacked(web, here), map_)
        maps += named.maps if number == 0 else []
        found |= {_name(source, url): (url, at) for url, at in named.pages}
        listing.skipped += named.skipped
        if len(found) > PAGES or len(maps) > MAPS:
            raise TooLarge(f"it names more than {PAGES:,} pages or {MAPS} maps")
    wanted = {url: at for url, at in found.values() if meant(source, url.path.lstrip("/"))}
    allowed = await asyncio.to_thread(lambda: {url for url in wanted if robots.can_fetch(AGENT, str(url))})
    listing.offers += [_offer(source, web, url, at) for url, at in wanted.items() if url in allowed]
    listing.skipped += [
        Skipped(path=str(url), reason="robots.txt asks not to fetch it") for url in wanted if url not in allowed
    ]
    if not listing.offers:
        raise Unreadable("it names no page that may be fetched")
    return listing


def _web(source: Source, place: Place) -> Web:
    return Web(Door(source.allow, resolve=place.resolve), dial=place.dial)


def _name(source: Source, url: URL) -> str:
    """Unique within the source, and the same for http and https."""
    return f"{source.name}/{url.authority}{url.raw_path_qs}"


def _offer(source: Source, web: Web, url: URL, at: float) -> Offer:
    async def look(stamp: str) -> Seen | None:
        since = msgspec.json.decode(stamp, type=tuple[str, str]) if stamp else ("", "")
        came = await web.get(str(url), since=since)
        if not came.changed:
            return None

        async def content() -> Content:
            return Blob(*_readable(came))

        again = msgspec.json.encode((came.etag, came.modified)).decode() if came.etag or came.modified else ""
        return Seen(hashlib.sha256(came.data).hexdigest(), content, again, came.at or at)

    return Offer(_name(source, url), str(url), look, url=str(url))


def _readable(page: Page) -> tuple[str, bytes]:
    """(file name, bytes) under which the readers know what came."""
    last = PurePosixPath(URL(page.url).path)
    suffix = KINDS.get(page.kind, "")
    if not suffix and page.kind in VAGUE:
        suffix = last.suffix.lower() or (".txt" if page.kind == "text/plain" else ".html" if not page.kind else "")
    if suffix not in READERS:
        raise Unsupported(f"it is {page.kind or suffix or 'of no kind'}, which is none of the kinds that are read")
    return (last.stem or "page") + suffix, _utf8(page, suffix)


def _utf8(page: Page, suffix: str) -> bytes:
    """The bytes as the readers expect them, where only the header says how they are encoded."""
    declared = suffix == ".html" and b"charset" in page.data[:2048].lower()
    if not page.kind.startswith("text/") or declared or page.charset.lower() in ("", "utf-8", "utf8"):
        return page.data
    try:
        return page.data.decode(page.charset).encode()
    except (LookupError, UnicodeError) as error:
        raise Corrupt(f"the page is not in the encoding it declares ({error})") from None


async def _robots(web: Web, url: URL) -> RobotFileParser:
    robots = RobotFileParser()
    try:
        text = (await web.get(str(url.with_path("/robots.txt")))).data
    except Unreachable as error:
        if not 400 <= error.status < 500:
            raise
        text = b""
    robots.parse(text[: 1 << 17].decode("utf-8", "replace").splitlines())
    return robots


async def _unpacked(web: Web, url: URL) -> bytes:
    data = (await web.get(str(url))).data
    return await asyncio.to_thread(unpacked, data, LARGEST) if data[:2] == b"\x1f\x8b" else data
