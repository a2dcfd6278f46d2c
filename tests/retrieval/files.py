"""Small real files of each kind, made on the spot."""

import io
from collections.abc import Callable
from datetime import date
from typing import Any
from zipfile import ZipFile

from docx import Document
from openpyxl import Workbook
from pptx import Presentation
from pypdf import PdfReader, PdfWriter


def pdf(*pages: str) -> bytes:
    """A PDF with one line of text on each page."""
    return drawn_pdf(*(f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET" for text in pages))


def drawn_pdf(*pages: str, form: str = "", turned: int = 0) -> bytes:
    """A PDF of pages by what draws them; `form` is a drawing that they may show as /X, `turned` by how many degrees."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>")
    fonts = "/Font << /F1 3 0 R /F2 4 0 R >>"
    shape = f"/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << {fonts} >>"
    objects.append(f"<< {shape} /Length {len(form)} >>\nstream\n{form}\nendstream")
    kids = []
    for stream in pages:
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
        content = len(objects)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Rotate {turned} /Contents {content} 0 R"
            f" /Resources << {fonts} /XObject << /X 5 0 R >> >> >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    out, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    xref = f"xref\n0 {size}\n0000000000 65535 f \n{table}"
    return f"{out}{xref}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n".encode("latin-1")


def encrypted_pdf(password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf("a secret"))))
    writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def docx(path: Any) -> Any:
    """Written to a path or a file; returns it."""
    document = Document()
    document.add_heading("Leasing", level=1)
    document.add_paragraph("Lease a bike through your employer.")
    document.add_heading("Cost", level=2)
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip([c for row in table.rows for c in row.cells], ["Model", "Month", "Path 2", "49 euro"], strict=True):
        cell.text = text
    document.save(path if hasattr(path, "write") else str(path))
    return path


SAID = "Path 2"
HTML = "<h1>Prices</h1><p>What the Path 2 costs.</p><table><tr><th>Model</th><th>Price</th></tr><tr><td>Path 2</td><td>899</td></tr></table>"
MAIL = (
    "From: a@example.com\nTo: b@example.com\nDate: Mon, 2 Mar 2026 10:00:00 +0100\nSubject: Prices\n\nThe Path 2 costs 899.\n"
)


def pptx() -> bytes:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Prices"
    slide.placeholders[1].text = "The Path 2 costs 899."
    table = deck.slides.add_slide(deck.slide_layouts[5]).shapes.add_table(2, 2, 0, 0, 100, 100).table
    for place, text in enumerate(("Model", "Price", "Path 2", "899")):
        table.cell(place // 2, place % 2).text = text
    return _saved(deck)


def xlsx() -> bytes:
    book = Workbook()
    sheet = book.active
    sheet.title = "Prices"
    for cells in (("Model", "Price", "Since"), ("Path 2", 899.5, date(2026, 3, 1)), ("Path 3", 999, None)):
        sheet.append(cells)
    return _saved(book)


def epub(**more: str) -> bytes:
    """A book of two chapters; `more` are further entries, by a name whose dots are __."""
    out = io.BytesIO()
    spine = '<itemref idref="a"/><itemref idref="b"/>'
    items = "".join(f'<item id="{n}" href="{n}.xhtml" media-type="application/xhtml+xml"/>' for n in "ab")
    book = f"<package><metadata><title>Bikes</title></metadata><manifest>{items}</manifest><spine>{spine}</spine></package>"
    with ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", '<c><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></c>')
        archive.writestr("OEBPS/book.opf", book)
        archive.writestr("OEBPS/a.xhtml", f"<html><body>{HTML}</body></html>")
        archive.writestr("OEBPS/b.xhtml", "<html><body><h1>Returns</h1><p>Thirty days.</p></body></html>")
        for name, text in more.items():
            archive.writestr(name.replace("__", "."), text)
    return out.getvalue()


def _saved(document: Any) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _docx() -> bytes:
    out = io.BytesIO()
    docx(out)
    return out.getvalue()


MADE: dict[str, Callable[[], bytes]] = {
    ".md": lambda: b"# Prices\n\n| Model | Price |\n|---|---|\n| Path 2 | 899 |\n",
    ".txt": lambda: b"The Path 2 costs 899.",
    ".html": HTML.encode,
    ".csv": lambda: b"Model,Price\nPath 2,899\n",
    ".pdf": lambda: pdf("The Path 2 costs 899."),
    ".docx": _docx,
    ".pptx": pptx,
    ".xlsx": xlsx,
    ".epub": epub,
    ".eml": MAIL.encode,
    ".mbox": lambda: f"From a\n{MAIL}\nFrom b\n{MAIL}".encode(),
}
