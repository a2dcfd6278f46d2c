"""What a document holds but does not show is no part of its text, and its owner is told."""

import io

import pytest
from docx import Document
from docx.shared import Pt, RGBColor
from openpyxl import Workbook

from retrieval.parsing import parser
from retrieval.readers import extract
from tests.retrieval.hostile.tricks import pdf_with


@pytest.mark.parametrize(
    ("text", "shown", "flag"),
    [
        ("Ask for a re\u200bfund to\u2060day", "Ask for a refund today", "zero-width characters (2 places)"),
        ("Price: \u202e998\u202c euro", "Price: 998 euro", "bidi controls (2 places)"),
        ("Hello\U000e0041\U000e0042 you", "Hello you", "zero-width characters (1 place)"),
    ],
)
@pytest.mark.parametrize("suffix", [".md", ".txt", ".html", ".csv"])
def test_characters_nobody_sees_are_taken_out_and_told(text, shown, flag, suffix):
    found = extract(text.encode(), suffix)
    assert (found.text, found.flags) == (shown, (flag,))


@pytest.mark.parametrize("text", ["می‌خواهم", "👩‍🔧 fixes it", "Fahr\u00adrad"])
def test_characters_that_scripts_and_emoji_need_are_no_news(text):
    found = extract(text.encode(), ".txt")
    assert (found.text, found.flags) == (text.replace("\u00ad", ""), ())


@pytest.mark.parametrize(
    "page",
    [
        '<p style="display:none">secret</p>',
        '<p style="color: #fff">secret</p>',
        '<div style="background:#222222"><span style="color:rgb(34,34,34)">secret</span></div>',
        '<span style="font-size:0">secret</span>',
        '<font color="white">secret</font>',
        "<p hidden>secret</p>",
        '<table><tr><td>a</td><td>b <i style="visibility:hidden">secret</i></td></tr></table>',
    ],
)
def test_what_a_page_hides_is_left_out_and_told(page):
    found = extract(f"<p>Open to all.</p>{page}".encode(), ".html")
    assert "secret" not in found.text
    assert found.flags == ("hidden text (1 place)",)


@pytest.mark.parametrize(
    "page",
    [
        '<div style="background-color: navy"><p style="color: white">shown</p></div>',
        '<div class="dark"><p style="color: white">shown</p></div>',
        '<p style="font-size: 10px; color: #333">shown</p>',
        '<p style="background-color: white">shown</p>',
    ],
)
def test_what_a_page_shows_stays(page):
    found = extract(page.encode(), ".html")
    assert (found.text, found.flags) == ("shown", ())


@pytest.mark.parametrize("hide", ["white", "tiny", "vanish"])
def test_what_a_docx_hides_is_left_out_and_told(hide):
    document = Document()
    paragraph = document.add_paragraph("Open to all.")
    font = paragraph.add_run(" secret").font
    font.color.rgb = RGBColor(255, 255, 255) if hide == "white" else None
    font.size, font.hidden = (Pt(1) if hide == "tiny" else None), (True if hide == "vanish" else None)
    out = io.BytesIO()
    document.save(out)
    found = extract(out.getvalue(), ".docx")
    assert (found.text, found.flags) == ("Open to all.", ("hidden text (1 place)",))


def test_hidden_sheets_rows_and_columns_are_left_out_and_told():
    book = Workbook()
    for line in (["Model", "Cost"], ["Path 2", "secret"], ["secret", "1"]):
        book.active.append(line)
    book.active.column_dimensions["B"].hidden = True
    book.active.row_dimensions[3].hidden = True
    book.create_sheet("secret").sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    found = extract(out.getvalue(), ".xlsx")
    assert "secret" not in found.text
    assert "Path 2" in found.text
    assert found.flags == ("hidden cells (4 places)", "hidden sheets (1 place)")


def page_with(operators):
    """A PDF whose page draws in Helvetica, black at first."""
    body = b"BT /F1 12 Tf 72 720 Td (Open to all.) Tj %s ET" % operators
    made = pdf_with(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(body), body))
    font = b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    return made.replace(b"/Contents 4 0 R", font + b" /Contents 4 0 R")


@pytest.mark.parametrize(
    "operators", [b"1 g 0 -40 Td (secret) Tj", b"3 Tr 0 -40 Td (secret) Tj", b"/F1 1 Tf 0 -40 Td (secret) Tj"]
)
def test_what_a_pdfs_page_does_not_show_is_left_out_and_told(operators):
    found = extract(page_with(operators), ".pdf")
    assert (found.text, found.flags) == ("Open to all.", ("hidden text (1 place)",))


def test_white_words_on_a_dark_ground_are_read():
    dark = page_with(b"0 -40 Td 1 g (shown) Tj").replace(b"BT /F1", b"0 0 0.4 rg 60 660 200 40 re f 0 g BT /F1")
    found = extract(dark, ".pdf")
    assert ("shown" in found.text, found.flags) == (True, ())


async def test_flags_come_through_the_process(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("re\u200bfund")
    async with parser() as reading:
        document, _ = await reading.parse(path, "a.md")
    assert document.flags == ("zero-width characters (1 place)",)
