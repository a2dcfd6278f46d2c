"""Office files, books and mail: headings, tables, code, lists and pages survive, and every row stands where it is said to."""

import io
import re
from email.message import EmailMessage
from zipfile import ZipFile

import pytest
from docx import Document
from openpyxl import Workbook
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE

from retrieval.readers import extract
from retrieval.readers.contract import Corrupt
from tests.retrieval.files import MADE, pdf
from tests.retrieval.hostile.tricks import exchanged, shared


def saved(document):
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def titles(found):
    return [heading.title for heading in found.headings]


@pytest.mark.parametrize("suffix", [".md", ".html", ".docx", ".pptx", ".xlsx", ".epub", ".csv"])
def test_a_tables_rows_stand_in_the_text_at_their_places(suffix):
    found = extract(MADE[suffix](), suffix)
    (table,) = found.tables
    assert table.header[:1] == ("Model",)
    assert table.rows[0][0] == "Path 2"
    assert len(table.places) == len(table.rows)
    for cells, (start, end) in zip(table.rows, table.places, strict=True):
        assert table.start <= start < end <= table.end
        assert all(cell in found.text[start:end] for cell in cells)
        assert "\n" not in found.text[start:end]


@pytest.mark.parametrize("suffix", [".md", ".html", ".docx", ".pptx", ".xlsx", ".epub", ".eml", ".mbox"])
def test_headings_stand_in_the_text_at_their_places(suffix):
    found = extract(MADE[suffix](), suffix)
    assert found.headings
    assert all(heading.title in found.text[heading.start : heading.end] for heading in found.headings)


def test_slides_are_pages_and_their_titles_headings():
    found = extract(MADE[".pptx"](), ".pptx")
    assert titles(found) == ["Prices"]
    assert [found.text[start:].split()[0] for start in found.pages] == ["#", "|"]
    assert "- The Path 2 costs 899." in found.text


def test_a_chart_is_the_table_of_its_values():
    deck = Presentation()
    data = CategoryChartData()
    data.categories = ["2024", "2025"]
    data.add_series("Sold", (12, 19.5))
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, 0, 0, 100, 100, data)
    (table,) = extract(saved(deck), ".pptx").tables
    assert (table.header, table.rows) == (("", "Sold"), (("2024", "12"), ("2025", "19.5")))


def test_a_sheet_is_a_page_and_its_cells_are_shown_as_meant():
    found = extract(MADE[".xlsx"](), ".xlsx")
    (table,) = found.tables
    assert table.title == "Prices"
    assert table.rows == (("Path 2", "899.5", "2026-03-01"), ("Path 3", "999", ""))
    assert found.pages == (0,)


def test_strings_that_cells_share_are_read_without_their_phonetic_guides():
    data = shared("<si><r><t>Path</t></r><r><t> 9</t></r><rPh><t>pasu</t></rPh></si>")
    sheet = '<worksheet><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>7</v></c></row></worksheet>'
    assert extract(exchanged(data, "xl/worksheets/sheet1.xml", sheet.encode()), ".xlsx").text.endswith("Path 9")


def test_what_stands_apart_in_a_sheet_is_a_table_of_its_own_below_its_caption():
    book = Workbook()
    for line in (["Bikes 2026"], ["Model", "Price"], ["Path 2", 899], [], ["City", "Opens"], ["Berlin", "9-18"]):
        book.active.append(line)
    book.active["B3"].number_format = "0%"
    found = extract(saved(book), ".xlsx")
    assert [(table.title, table.header) for table in found.tables] == [
        ("Bikes 2026", ("Model", "Price")),
        ("Sheet", ("City", "Opens")),
    ]
    assert found.tables[0].rows == (("Path 2", "89900%"),)


def test_a_merged_cell_counts_in_every_row_and_column_it_covers():
    book = Workbook()
    for line in (["Size", "Model"], ["L", "Path 2"], [None, "Path 3"]):
        book.active.append(line)
    book.active.merge_cells("A2:A3")
    page = "<table><tr><th>Size<th>Model</tr><tr><td rowspan=2>L<td>Path 2</tr><tr><td>Path 3</tr></table>"
    for data, suffix in ((saved(book), ".xlsx"), (page.encode(), ".html")):
        assert extract(data, suffix).tables[0].rows == (("L", "Path 2"), ("L", "Path 3"))


def test_docx_keeps_lists_numbers_and_code():
    document = Document()
    document.add_heading("Assembly", 1)
    for words in ("Unpack", "Turn"):
        document.add_paragraph(words, style="List Number")
    document.add_paragraph("Grease", style="List Bullet")
    for line in ("if (loose):", "    tighten()"):
        document.add_paragraph().add_run(line).font.name = "Courier New"
    text = extract(saved(document), ".docx").text
    assert "1. Unpack\n\n2. Turn\n\n- Grease" in text
    assert "```\nif (loose):\n    tighten()\n```" in text


def test_docx_in_the_strict_dialect_is_read_like_any_other():
    strict, out = re.compile(rb"http://schemas.openxmlformats.org/(\w+)/2006/"), io.BytesIO()
    with ZipFile(io.BytesIO(MADE[".docx"]())) as source, ZipFile(out, "w") as target:
        for name in source.namelist():
            target.writestr(name, strict.sub(rb"http://purl.oclc.org/ooxml/\1/", source.read(name)))
    assert extract(out.getvalue(), ".docx") == extract(MADE[".docx"](), ".docx")


def test_a_book_is_its_chapters_in_order_each_a_page():
    found = extract(MADE[".epub"](), ".epub")
    assert (found.title, titles(found)) == ("Bikes", ["Prices", "Returns"])
    assert [found.text[start:].split()[1] for start in found.pages] == ["Prices", "Returns"]


def mail(**attachments):
    message = EmailMessage()
    message["From"], message["Subject"] = "a@example.com", "Your order"
    message.set_content("See the attached list.\n")
    for name, data in attachments.items():
        message.add_attachment(data, "application", "octet-stream", filename=name.replace("__", "."))
    return bytes(message)


def test_a_mail_is_read_with_those_of_its_attachments_that_can_be():
    found = extract(mail(prices__xlsx=MADE[".xlsx"](), logo__png=b"\x89PNG", broken__pdf=b"no"), ".eml")
    assert titles(found) == ["Your order", "prices.xlsx", "Prices"]
    (table,) = found.tables
    start, end = table.places[0]
    assert found.text[start:end] == "| Path 2 | 899.5 | 2026-03-01 |"
    assert [flag.split(":")[0] for flag in found.flags] == ["attachment broken.pdf not read"]


def test_a_mail_in_html_is_read_in_the_encoding_it_declares():
    head = b"From: a@example.com\nSubject: =?utf-8?q?R=C3=A4der?=\nContent-Type: text/html; charset=iso-8859-1\n\n"
    found = extract(head + "<h1>Größen</h1><p>L und XL".encode("latin-1"), ".eml")
    assert titles(found) == ["Räder", "Größen"]


def test_a_mailbox_is_its_mails_each_a_page():
    found = extract(MADE[".mbox"](), ".mbox")
    assert len(found.pages) == 2
    assert [found.text[start:].startswith("# Prices") for start in found.pages] == [True, True]


def test_a_file_without_any_header_is_no_mail():
    with pytest.raises(Corrupt, match="no mail"):
        extract(b"just some words", ".eml")


def test_a_pdfs_headers_and_footers_are_said_once():
    found = extract(pdf(*(f"Bike manual {n}) Tj 0 -20 Td (The Path {n} costs {n}99" for n in range(1, 5))), ".pdf")
    assert found.text.count("Bike manual") == 1
    assert [f"costs {n}99" in found.text for n in range(1, 5)] == [True] * 4


def lines(*said: tuple[str, int, str]) -> str:
    """A page's content: lines in a font and size, one below the other."""
    return "".join(f") Tj /{font} {size} Tf 0 -{size + 6} Td ({text}" for font, size, text in said)


BODY = [("F1", 10, "The bike may be sent back within thirty days of the day on which it came.")] * 8


def test_a_pdfs_headings_are_told_by_larger_letters_where_it_has_no_outline():
    page = lines(("F1", 20, "Returns and"), ("F1", 20, "repairs"), *BODY, ("F1", 14, "How long"), *BODY, ("F1", 14, "1.99"))
    found = extract(pdf(page, lines(*BODY, ("F1", 14, "Who pays"), *BODY)), ".pdf")
    assert [(one.level, one.title) for one in found.headings] == [(1, "Returns and repairs"), (2, "How long"), (2, "Who pays")]
    assert (found.title, found.text.count("thirty days")) == ("Returns and repairs", 32)


def test_a_pdfs_headings_may_be_bold_and_a_bold_word_in_a_line_is_none():
    mixed = ("F2", 10, "Note:) Tj /F1 10 Tf ( read the manual before you ride for the first time")
    found = extract(pdf(lines(("F2", 10, "How long"), *BODY, mixed, *BODY)), ".pdf")
    assert [one.title for one in found.headings] == ["How long"]
    assert extract(pdf(lines(*[("F2", 10, "All of it is bold.")] * 9)), ".pdf").headings == ()


def test_a_pdf_that_is_large_throughout_has_no_headings():
    found = extract(pdf(lines(*BODY[:2], *[("F1", 24, "A leaflet says it loudly, line by line.")] * 3)), ".pdf")
    assert found.headings == ()
