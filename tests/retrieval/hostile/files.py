"""Malformed and hostile files of every kind, made from a seed: the same seed makes the same files."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from zipfile import ZIP_DEFLATED, ZipFile

from tests.retrieval import files as good
from tests.retrieval.hostile import tricks

OFFICE = (".docx", ".pptx", ".xlsx", ".epub")
TEXTS = (".md", ".txt", ".csv", ".html")


@dataclass(frozen=True, slots=True)
class Hostile:
    """`refused` says that no reader may take it for a document; others may be read where something is left of them."""

    name: str
    data: bytes
    refused: bool


def hostile(seed: int, count: int) -> Iterator[Hostile]:
    """`count` files: every kind of trick in turn, each with its own luck."""
    for number in range(count):
        trick = TRICKS[number % len(TRICKS)]
        random = Random(f"{seed}/{number}")
        suffix, data, refused = trick(random)
        yield Hostile(f"{number:04}-{trick.__name__}{suffix}", data, refused)


@lru_cache
def whole(suffix: str) -> bytes:
    """A good file of a kind."""
    return good.MADE[suffix]()


Made = tuple[str, bytes, bool]
Trick = Callable[[Random], Made]


def truncated(random: Random) -> Made:
    suffix = random.choice((*OFFICE, ".pdf"))
    data = whole(suffix)
    return suffix, data[: random.randrange(1, int(len(data) * 0.9))], suffix != ".pdf"


def flipped(random: Random) -> Made:
    suffix = random.choice(tuple(good.MADE))
    data = bytearray(whole(suffix))
    for _ in range(random.randint(1, 60)):
        data[random.randrange(len(data))] = random.randrange(256)
    return suffix, bytes(data), False


def wrong_name(random: Random) -> Made:
    real, called = random.sample((*OFFICE, ".pdf"), 2)
    return called, whole(real), True


def binary_as_text(random: Random) -> Made:
    head = random.choice(
        (b"\x7fELF\x02\x01\x01\x00", b"\x89PNG\r\n\x1a\n\x00\x00", b"\xff\xd8\xff\xe0\x00", b"SQLite format 3\x00")
    )
    return random.choice(TEXTS), head + random.randbytes(random.randint(100, 20_000)), True


def noise(random: Random) -> Made:
    return random.choice((*OFFICE, ".pdf", ".mbox", ".eml")), random.randbytes(random.randint(1, 50_000)), True


def nothing(random: Random) -> Made:
    return random.choice(tuple(good.MADE)), random.choice((b"", b"  \n\t ", b"\n" * 1000)), True


def unknown_kind(random: Random) -> Made:
    return random.choice((".exe", ".doc", ".zip", ".rar", "", ".sqlite", ".md.bak")), random.randbytes(1000), True


def wrong_encoding(random: Random) -> Made:
    words = "Größe für Räder, naïve café: " * random.randint(1, 200)
    if random.random() < 0.3:
        return ".html", b'<meta charset="no-such-charset"><p>' + words.encode(), True
    return random.choice(TEXTS), words.encode(random.choice(("latin-1", "cp1252", "utf-16-le", "mac-roman"))), True


def endless_line(random: Random) -> Made:
    word = random.choice((b"a", b"word ", b"[", b"*", b"<b>", b"1,"))
    return random.choice((".md", ".txt", ".csv")), word * (random.randint(4_100_000, 6_000_000) // len(word)), True


def too_large(random: Random) -> Made:
    return random.choice(TEXTS), b"line after line\n" * (4_300_000 + random.randint(0, 1000)), True


def deep_markdown(random: Random) -> Made:
    mark = random.choice(("> ", "- ", "* " * 3, "[", "**a ", "`", "![", "<div>", "| a "))
    return ".md", (mark * random.randint(2_000, 30_000) + "x").encode(), False


def deep_html(random: Random) -> Made:
    tag = random.choice(("div", "table><tr><td", "ul><li", "b", "span", "font", "blockquote"))
    page = f"<p>before</p><{tag}>" + f"<{tag}>" * random.randint(1_000, 50_000) + "text"
    return random.choice((".html", ".htm", ".xhtml")), page.encode(), False


def wide_table(random: Random) -> Made:
    wide = random.choice(("999999999", "65535", "-1", "1e9"))
    row = f'<tr><td colspan="{wide}" rowspan="{wide}">cell</td></tr>'
    return ".html", ("<table>" + row * random.randint(1, 300) + "</table>").encode(), False


def broken_csv(random: Random) -> Made:
    rows = b"a,b\n" * random.randint(1, 1000)
    return ".csv", rows + b'"never closed' + b"x" * random.randint(0, 100_000), True


def locked(random: Random) -> Made:
    if random.random() < 0.5:
        return ".pdf", good.encrypted_pdf(f"secret {random.random()}"), True
    return random.choice(OFFICE), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + random.randbytes(4000), True


def inflating_zip(random: Random) -> Made:
    return random.choice(OFFICE), _bomb(random.randint(300, 301)), True


def crowded_zip(random: Random) -> Made:
    out = io.BytesIO()
    with ZipFile(out, "w") as archive:
        for number in range(10_001 + random.randint(0, 500)):
            archive.writestr(f"{number}.xml", "")
    return random.choice(OFFICE), out.getvalue(), True


def lying_zip(random: Random) -> Made:
    """The index declares another size than there is."""
    suffix = random.choice(OFFICE)
    data = bytearray(whole(suffix))
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        struct.pack_into("<I", data, at + 24, random.choice((1, 10, 0xFFFF_FFF0)))
        at = data.find(b"PK\x01\x02", at + 4)
    return suffix, bytes(data), True


@lru_cache(maxsize=2)
def _bomb(mebibytes: int) -> bytes:
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=1) as archive, archive.open("word/document.xml", "w") as entry:
        for _ in range(mebibytes):
            entry.write(bytes(1 << 20))
    return out.getvalue()


def packed(random: Random) -> Made:
    """A stream of zeros that unpacks a thousandfold, in a PDF."""
    data = zlib.compress(bytes(random.randint(50, 120) << 20), 9)
    return ".pdf", tricks.pdf_with(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(data), data)), True


TRICKS: tuple[Trick, ...] = (
    truncated,
    flipped,
    wrong_name,
    binary_as_text,
    noise,
    nothing,
    unknown_kind,
    wrong_encoding,
    endless_line,
    too_large,
    deep_markdown,
    deep_html,
    wide_table,
    broken_csv,
    locked,
    inflating_zip,
    crowded_zip,
    lying_zip,
    packed,
    *tricks.TRICKS,
)
