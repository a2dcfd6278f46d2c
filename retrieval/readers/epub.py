"""EPUB: the chapters of a book in their order, each a page of HTML."""

import posixpath
from urllib.parse import unquote

from lxml import etree

from retrieval.readers.archive import Archive, attribute, child, local
from retrieval.readers.contract import Corrupt, Encrypted, Extract, Writer
from retrieval.readers.html import page
from retrieval.readers.text import clean, decode

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"


def read(data: bytes) -> Extract:
    archive = Archive(data, "EPUB")
    rootfile = next(archive.xml(_CONTAINER).iter("{*}rootfile"), None)
    name = attribute(rootfile, "full-path")
    if name not in archive.names:
        raise Corrupt("not an EPUB file: it names no book")
    book, writer = archive.xml(name), Writer()
    locked = _locked(archive)
    for chapter in _chapters(book, posixpath.dirname(name)):
        if chapter in locked:
            raise Encrypted("the book is locked to its buyer (DRM)")
        if chapter in archive.names:
            writer.page()
            writer.append(page(decode(archive.bytes(chapter))))
    title = child(book, "metadata", "title")
    return writer.extract(clean("".join(title.itertext())) if title is not None else "")


def _chapters(book: etree._Element, folder: str) -> list[str]:
    """The entries of the book's spine."""
    items = {one.get("id", ""): one for one in book.iter("{*}item")}
    named = [items.get(one.get("idref", "")) for one in book.iter("{*}itemref") if one.get("linear") != "no"]
    chapters = [one.get("href", "") for one in named if one is not None and "html" in one.get("media-type", "")]
    return [posixpath.normpath(posixpath.join(folder, unquote(href))) for href in chapters]


def _locked(archive: Archive) -> set[str]:
    """Entries that are encrypted; fonts often are, and nobody minds."""
    if _ENCRYPTION not in archive.names:
        return set()
    return {unquote(one.get("URI", "")) for one in archive.xml(_ENCRYPTION).iter() if local(one) == "CipherReference"}
