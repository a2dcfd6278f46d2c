"""Zip archives that foreigners packed: measured before anything is unpacked, read without following anything outside."""

import io
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError

from lxml import etree

from retrieval.readers.contract import Corrupt, Encrypted, TooLarge

UNPACKED = 256 * 1024 * 1024
ENTRIES = 10_000
_OLE = b"\xd0\xcf\x11\xe0"


class Archive:
    """A zip whose entries together unpack to no more than a reader takes. `kind` names what it should be, in errors."""

    def __init__(self, data: bytes, kind: str) -> None:
        self.kind = kind
        if data.startswith(_OLE):
            raise Encrypted(f"an encrypted or old Office file: save it as {kind} without a password")
        try:
            self._zip = ZipFile(io.BytesIO(data))
        except (BadZipFile, ValueError, NotImplementedError) as error:
            raise Corrupt(f"not a {kind} file ({error})") from None
        entries = self._zip.infolist()
        size = sum(entry.file_size for entry in entries)
        if len(entries) > ENTRIES:
            raise TooLarge(f"a zip of {len(entries)} entries: no {kind} file needs more than {ENTRIES}")
        if size > UNPACKED:
            raise TooLarge(f"unpacked it would take {size >> 20} MiB")
        if any(entry.flag_bits & 1 for entry in entries):
            raise Encrypted(f"the {kind} file is encrypted: save it without a password")
        self.names = frozenset(entry.filename for entry in entries)

    def bytes(self, name: str) -> bytes:
        """An entry, no more than its declared size of it. Raises Corrupt."""
        try:
            return self._zip.read(name)
        except (KeyError, BadZipFile, ZlibError, EOFError, NotImplementedError, OSError) as error:
            raise Corrupt(f"not a whole {self.kind} file: {name} ({error})") from None

    def xml(self, name: str) -> etree._Element:
        return parse(self.bytes(name), f"{self.kind} file: {name}")


def parse(data: bytes, what: str) -> etree._Element:
    """XML without entities, document types, network, or more depth than a document has. Raises Corrupt."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Corrupt(f"broken XML in the {what} ({error})") from None
    if root.getroottree().docinfo.internalDTD is not None and b"<!ENTITY" in data.replace(b"\0", b""):
        raise Corrupt(f"entities are declared in the {what}: no honest one does")
    return root


def local(element: etree._Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: etree._Element | None, name: str) -> str:
    """An attribute by its name in whichever namespace; "" where there is none."""
    if element is None:
        return ""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def child(element: etree._Element | None, *path: str) -> etree._Element | None:
    """The first descendant along a path of names."""
    for name in path:
        element = next((one for one in element if local(one) == name), None) if element is not None else None
    return element
