"""Tricks of one format each: XML entities and depth, spreadsheets that unfold, PDFs that turn in circles, mails in mails."""

import io
from random import Random
from zipfile import ZipFile

from tests.retrieval import files as good

Made = tuple[str, bytes, bool]
PARTS = {".docx": "word/document.xml", ".pptx": "ppt/presentation.xml", ".xlsx": "xl/workbook.xml", ".epub": "OEBPS/book.opf"}
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def replaced(suffix: str, part: str, data: bytes) -> bytes:
    """A good file with one part exchanged, or added."""
    return exchanged(good.MADE[suffix](), part, data)


def exchanged(file: bytes, part: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with ZipFile(io.BytesIO(file)) as source, ZipFile(out, "w") as target:
        for entry in (name for name in source.namelist() if name != part):
            target.writestr(entry, source.read(entry))
        target.writestr(part, data)
    return out.getvalue()


def laughing(random: Random) -> Made:
    """Entities that multiply, or that ask for a file or an address."""
    suffix = random.choice(tuple(PARTS))
    entity = random.choice(
        (
            f'<!ENTITY l0 "ha">{LAUGHS}',
            '<!ENTITY l9 SYSTEM "file:///etc/passwd">',
            '<!ENTITY l9 SYSTEM "http://127.0.0.1:9/x">',
            '<!ENTITY % p SYSTEM "file:///etc/hostname"> %p; <!ENTITY l9 "x">',
        )
    )
    encoding = random.choice(("utf-8", "utf-16"))
    xml = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE d [{entity}]><d><body><p><r><t>&l9;</t></r></p></body></d>'
    return suffix, replaced(suffix, PARTS[suffix], xml.encode(encoding)), True


def deep_xml(random: Random) -> Made:
    suffix, depth = random.choice(tuple(PARTS)), random.randint(1_000, 200_000)
    return suffix, replaced(suffix, PARTS[suffix], b"<d>" * depth + b"</d>" * depth), True


def broken_xml(random: Random) -> Made:
    suffix = random.choice(tuple(PARTS))
    xml = random.choice((b"<d><e></d>", b"\x00" * 100, b"<d a='1' a='2'/>", b"not xml", b"", b"<d>" + b"&#0;</d>"))
    return suffix, replaced(suffix, PARTS[suffix], xml), True


def unfolding_sheet(random: Random) -> Made:
    """Merges of the whole sheet, cells at its far end, columns by the thousand, numbers that are none."""
    cells = "".join(
        f'<row r="{line}"><c r="{random.choice(("A", "XFD", "ZZZ", ""))}{line}" s="99999"><v>{random.choice(("1e999", "x", "-1"))}</v></c></row>'
        for line in (1, 7, 1_048_576, 9_999_999)
    )
    merges = '<mergeCells><mergeCell ref="A1:XFD1048576"/><mergeCell ref="A7:ZZZ9999999"/><mergeCell ref=":"/></mergeCells>'
    xml = f'<worksheet><cols><col min="1" max="999999999" hidden="0"/></cols><sheetData>{cells}</sheetData>{merges}</worksheet>'
    return ".xlsx", replaced(".xlsx", "xl/worksheets/sheet1.xml", xml.encode()), False


def amplified_sheet(random: Random) -> Made:
    """One long string, shown in very many cells."""
    times = random.randint(20_000, 40_000)
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="inlineStr"><is><t>{"x" * 1000}</t></is></c></row>' for n in range(1, times))
    return ".xlsx", replaced(".xlsx", "xl/worksheets/sheet1.xml", f"<worksheet>{cells}</worksheet>".encode()), True


def shared_sheet(random: Random) -> Made:
    """One string of a megabyte that thousands of cells share."""
    data = shared(f"<si><t>{'words ' * random.randint(150_000, 200_000)}</t></si>")
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 9000))
    return ".xlsx", exchanged(data, "xl/worksheets/sheet1.xml", f"<worksheet>{cells}</worksheet>".encode()), True


def shared(strings: str) -> bytes:
    """A good spreadsheet with shared strings."""
    rels, parts = "xl/_rels/workbook.xml.rels", ZipFile(io.BytesIO(good.MADE[".xlsx"]()))
    more = b'<Relationship Id="strings" Type="http://x/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    data = replaced(".xlsx", rels, parts.read(rels).replace(b"</Relationships>", more))
    return exchanged(data, "xl/sharedStrings.xml", f"<sst>{strings}</sst>".encode())


def pdf_with(body: bytes) -> bytes:
    """A PDF of one page whose contents are the given object."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R >>",
        body,
    ]
    return assembled(objects)


def assembled(objects: list[bytes]) -> bytes:
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    tail = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table) + tail


def circling_pdf(random: Random) -> Made:
    """Pages that are their own children, or very many by their own word; a form that draws itself; arrays without end."""
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %s] /Contents 4 0 R /Resources << /XObject << /A 4 0 R >> >> >>"
    box = random.choice((b"612 792", b"99999999 99999999", b"0 0", b"-5 1e30"))
    kids = random.choice((b"[2 0 R 2 0 R]", b"[3 0 R 2 0 R]", b"[3 0 R]", b"[" * random.randint(100, 50_000)))
    count = random.choice((b"1", b"2000000000", b"-3"))
    form = b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /A 4 0 R >> >> /Length 5 >>\nstream\n/A Do\nendstream"
    pages = b"<< /Type /Pages /Kids %s /Count %s >>" % (kids, count)
    return ".pdf", assembled([b"<< /Type /Catalog /Pages 2 0 R >>", pages, page % box, form]), True


def nested_mail(random: Random) -> Made:
    depth = random.randint(5, 300)
    head = "From: a@example.com\r\nSubject: s\r\nContent-Type: {}\r\n\r\n"
    body = head.format("message/rfc822") * depth + head.format("text/plain") + "inside\r\n"
    return ".eml", body.encode(), False


def strange_mail(random: Random) -> Made:
    """Unknown encodings, attachments that are bombs or lie about themselves, parts without end."""
    kind = random.choice(
        ("text/plain; charset=no-such", "text/html; charset=utf-7", "multipart/mixed", "multipart/mixed; boundary=b")
    )
    name = random.choice(("a.docx", "a.pdf", "../../etc/passwd.md", "a.xlsx", "\u202etxt.exe"))
    part = f"--b\r\nContent-Disposition: attachment; filename={name}\r\nContent-Transfer-Encoding: base64\r\n\r\n{'!QUJD' * 99}\r\n"
    head = f"From: a@example.com\r\nSubject: =?no-such?q?=FF?=\r\nContent-Type: {kind}\r\n\r\n"
    return ".eml", (head + part * random.randint(1, 300)).encode(), False


def strange_mailbox(random: Random) -> Made:
    mails = random.choice(("From nobody\n" * 5000, "From a\n\n\nFrom b\nSubject: x\n\nhello\n", ">From x\n"))
    return ".mbox", mails.encode() * random.randint(1, 20), False


TRICKS = (
    laughing,
    deep_xml,
    broken_xml,
    unfolding_sheet,
    amplified_sheet,
    shared_sheet,
    circling_pdf,
    nested_mail,
    strange_mail,
    strange_mailbox,
)
