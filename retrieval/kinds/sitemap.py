"""A site's map: the pages, or the further maps, that a foreign XML file names. No DTD is loaded, no entity resolved."""

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lxml import etree
from yarl import URL

from retrieval.readers.contract import Corrupt, TooLarge
from retrieval.records import Skipped

MOST = 500_000


@dataclass(slots=True)
class Named:
    """Pages with the time of their last change (0: not told), maps, and what is of another host."""

    pages: list[tuple[URL, float]] = field(default_factory=list)
    maps: list[URL] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def read(data: bytes, site: URL) -> Named:
    """What a map of this site names. Raises Corrupt."""
    named = Named()
    try:
        elements = etree.iterparse(io.BytesIO(data), resolve_entities=False, no_network=True, load_dtd=False)
        for number, (_, element) in enumerate(elements):
            if number > MOST:
                raise TooLarge(f"it has more than {MOST:,} elements")
            kind = _local(element)
            if kind in ("url", "sitemap"):
                _take(element, named, site, is_page=kind == "url")
                element.clear()
    except etree.XMLSyntaxError as error:
        raise Corrupt(f"it is no sitemap ({error})") from None
    return named


def _take(element: etree._Element, named: Named, site: URL, *, is_page: bool) -> None:
    told = {_local(child): (child.text or "").strip() for child in element}
    try:
        url = URL(told.get("loc", "")).with_fragment(None)
        foreign = (url.host, url.explicit_port) != (site.host, site.explicit_port)
    except ValueError:
        foreign = True
    if foreign:
        named.skipped.append(Skipped(path=told.get("loc", "")[:500], reason=f"it is no page of {site.host}"))
    elif is_page:
        named.pages.append((url, seconds(told.get("lastmod", ""))))
    else:
        named.maps.append(url)


def _local(element: etree._Element) -> str:
    """A tag without its namespace; comments have none."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def seconds(text: str) -> float:
    """In Unix seconds; 0 where the text is no time."""
    try:
        told = datetime.fromisoformat(text)
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0
