"""Writes the documents of the example that are not plain text, from their Markdown in `sources/`: one PDF, two DOCX.

    .venv/bin/python examples/shop/make_documents.py

The results are committed, so nobody has to run this before the sources change.
"""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import docx

HERE = Path(__file__).parent
DOCUMENTS = {
    "assembly-guide.md": "assembly-guide.pdf",
    "complaints.md": "complaints.docx",
    "employee-leasing.md": "employee-leasing.docx",
}


class Block(NamedTuple):
    """`kind`: h1, h2, p, -, 1 (list items) or row. A row's cells are separated by "|"."""

    kind: str
    text: str


def blocks(markdown: str) -> Iterator[Block]:
    for line in markdown.splitlines():
        if not line.strip() or re.fullmatch(r"\|[-|]+\|", line):
            continue
        match = re.match(r"(##? |- |\d+\. |\|)?(.*?)\|?$", line)
        assert match is not None
        mark, text = match[1] or "", match[2].replace("**", "")
        kinds = {"# ": "h1", "## ": "h2", "- ": "-", "|": "row", "": "p"}
        yield Block(kinds.get(mark, "1"), text.strip())


def write_docx(source: list[Block], path: Path) -> None:
    document = docx.Document()
    styles = {"h1": "Title", "h2": "Heading 1", "p": None, "-": "List Bullet", "1": "List Number"}
    table = None
    for kind, text in source:
        if kind != "row":
            table = None
            document.add_paragraph(text, style=styles[kind])
            continue
        cells = [cell.strip() for cell in text.split("|")]
        if table is None:
            table = document.add_table(rows=0, cols=len(cells), style="Table Grid")
        for cell, content in zip(table.add_row().cells, cells, strict=True):
            cell.text = content
    document.core_properties.title = source[0].text
    document.core_properties.author = "Pedal & Path"
    document.save(str(path))


def write_pdf(source: list[Block], path: Path) -> None:
    """A4, Helvetica, text only: lines are wrapped by counting letters."""
    pages: list[list[str]] = [[]]
    y = 790.0
    steps = 0
    for kind, text in source:
        steps = steps + 1 if kind == "1" else 0
        bold, size, width, before = {"h1": ("B", 18, 50, 0), "h2": ("B", 13, 70, 10)}.get(kind, ("R", 10.5, 92, 4))
        lead = {"-": "• ", "1": f"{steps}. "}.get(kind, "")
        lines = [text] if kind == "row" else textwrap.wrap(lead + text, width, subsequent_indent=" " * len(lead))
        y -= before
        if y - len(lines) * size * 1.35 < 60:
            pages.append([])
            y = 790.0
        for line in lines:
            y -= size * 1.35
            cells = [cell.strip() for cell in line.split("|")] if kind == "row" else [line]
            pages[-1] += [_show(bold, size, 60 + 170 * column, y, cell) for column, cell in enumerate(cells)]
    path.write_bytes(_pdf(["\n".join(page).encode("cp1252") for page in pages], source[0].text))


def _show(font: str, size: float, x: float, y: float, text: str) -> str:
    escaped = re.sub(r"([\\()])", r"\\\1", text)
    return f"BT /{font} {size} Tf {x:.1f} {y:.1f} Td ({escaped}) Tj ET"


def _pdf(pages: list[bytes], title: str) -> bytes:
    kids = " ".join(f"{6 + 2 * number} 0 R" for number in range(len(pages)))
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        font.format("Helvetica").encode(),
        font.format("Helvetica-Bold").encode(),
        f"<< /Title ({title}) /Author (Pedal & Path) >>".encode("cp1252"),
    ]
    for number, content in enumerate(pages):
        resources = "<< /Font << /R 3 0 R /B 4 0 R >> >>"
        place = f"/Parent 2 0 R /MediaBox [0 0 595 842] /Resources {resources} /Contents {7 + 2 * number} 0 R"
        objects.append(f"<< /Type /Page {place} >>".encode())
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer << /Size %d /Root 1 0 R /Info 5 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)


if __name__ == "__main__":
    for source, target in DOCUMENTS.items():
        content = list(blocks((HERE / "sources" / source).read_text("utf-8")))
        (write_pdf if target.endswith(".pdf") else write_docx)(content, HERE / "knowledge" / target)
        print(f"{target}: {len(content)} blocks")
