"""Each limit of a reader, met on its own; and what looks like trouble and is none."""

import io
import struct
import sys
from email.message import EmailMessage

import pytest
from docx import Document
from docx.shared import RGBColor
from openpyxl import Workbook

from retrieval import parsing, readers
from retrieval.parsing import parser
from retrieval.readers import cells, extract, html, mail, read
from retrieval.readers import pdf as pdfs
from retrieval.readers.contract import Encrypted, TooLarge, TooSlow
from tests.retrieval.files import MADE, pdf
from tests.retrieval.hostile.files import OFFICE

FOR_EVER = """
import time
from retrieval import worker
def answer(question):
    while True: pass
worker.PROCESSOR, worker._answer = 1, answer
worker.main()
"""


def saved(document):
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


async def test_a_file_that_keeps_the_processor_busy_is_stopped_and_named(tmp_path, monkeypatch):
    (tmp_path / "a.md").write_text("words")
    monkeypatch.setattr(parsing, "command", lambda: (sys.executable, "-c", FOR_EVER))
    async with parser() as reading:
        with pytest.raises(TooSlow, match="processor time"):
            await reading.parse(tmp_path / "a.md", "a.md")


def test_a_file_that_is_too_large_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "LARGEST", 10)
    (tmp_path / "a.md").write_text("eleven long")
    with pytest.raises(TooLarge, match="split the file"):
        read(tmp_path / "a.md")


@pytest.mark.parametrize("suffix", OFFICE)
def test_an_archive_with_a_password_is_refused_by_name(suffix):
    data = bytearray(MADE[suffix]())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            struct.pack_into("<H", data, at + flags, 1)
            at = data.find(mark, at + 4)
    with pytest.raises(Encrypted, match="without a password"):
        extract(bytes(data), suffix)


def test_cells_that_reach_very_far_do_not_unfold():
    row = '<tr><td colspan="999999" rowspan="999999">cell</td></tr>'
    (table,) = extract(f"<table>{row * 30}</table>".encode(), ".html").tables
    assert len(table.header) <= html.WIDEST


def test_a_merge_of_half_the_sheet_is_decoration(monkeypatch):
    monkeypatch.setattr(cells, "COVERED", 10)
    book = Workbook()
    book.active["A1"] = "note"
    book.active.merge_cells("A1:A20")
    assert extract(saved(book), ".xlsx").text.count("note") == 1


def test_a_pdf_of_too_many_pages_is_refused(monkeypatch):
    monkeypatch.setattr(pdfs, "PAGES", 1)
    with pytest.raises(TooLarge, match="2 pages"):
        extract(pdf("one", "two"), ".pdf")


def test_the_same_words_with_another_price_on_each_page_are_no_header():
    found = extract(pdf("Price 899", "Price 999", "Price 1299"), ".pdf")
    assert found.text.split("\n\n") == ["Price 899", "Price 999", "Price 1299"]


def nested(depth):
    message = EmailMessage()
    message["Subject"] = f"level {depth}"
    message.set_content("words")
    if depth:
        message.add_attachment(nested(depth - 1))
    return message


def test_mails_in_mails_are_read_to_a_depth_and_the_rest_is_told():
    found = extract(bytes(nested(mail.DEPTH + 2)), ".eml")
    assert len(found.headings) == mail.DEPTH + 1
    assert found.flags == ("mails within mails, too deep to read",)


def test_more_attachments_than_anybody_sends_are_told_and_not_read(monkeypatch):
    monkeypatch.setattr(mail, "ATTACHMENTS", 2)
    message = nested(0)
    for number in range(5):
        message.add_attachment(f"text {number}", filename=f"{number}.txt")
    found = extract(bytes(message), ".eml")
    assert [heading.title for heading in found.headings] == ["level 0", "0.txt", "1.txt"]
    assert found.flags == ("3 more attachments not read",)


def test_a_line_of_a_mail_that_begins_with_from_begins_no_mail():
    text = "From a\nSubject: x\n\nIt comes\nFrom Berlin.\n\nFrom b\nSubject: y\n\nwords\n"
    found = extract(text.encode(), ".mbox")
    assert [heading.title for heading in found.headings] == ["x", "y"]
    assert "It comes\nFrom Berlin." in found.text


def test_white_words_in_a_docx_table_are_read_as_its_style_may_colour_the_ground():
    document = Document()
    table = document.add_table(1, 2)
    for cell in table.rows[0].cells:
        cell.paragraphs[0].add_run("shown").font.color.rgb = RGBColor(255, 255, 255)
    found = extract(saved(document), ".docx")
    assert (found.text.count("shown"), found.flags) == (2, ())
