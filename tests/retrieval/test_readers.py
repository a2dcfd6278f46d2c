"""Every kind of file becomes one clean text with its headings and pages; what cannot be read says why by name."""

import pytest

from retrieval.readers import read
from retrieval.readers.contract import Binary, Corrupt, Empty, Encrypted, Unreadable, Unsupported, WrongEncoding
from tests.retrieval.files import docx, encrypted_pdf, pdf


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def titles(extract):
    return [(heading.level, heading.title) for heading in extract.headings]


def test_markdown_keeps_its_words_and_finds_headings_but_not_in_code(file):
    extract = read(file("a.md", "# Returns\n\nThirty days.\n\n```\n# no heading\n```\n\nExchange `it`\n-----------\n\nOnce.\n"))
    assert titles(extract) == [(1, "Returns"), (2, "Exchange it")]
    assert extract.title == "Returns"
    assert "# no heading" in extract.text


def test_markdown_front_matter_gives_the_title_and_is_not_text(file):
    extract = read(file("a.md", '---\ntitle: "Opening hours"\ntags: [x]\n---\nWe open at nine.\n'))
    assert (extract.title, extract.text) == ("Opening hours", "We open at nine.")


def rows(extract):
    """Each table's rows as they stand in the text."""
    return [[extract.text[start:end] for start, end in table.places] for table in extract.tables]


def test_a_markdown_table_stays_as_it_is_written_and_its_rows_are_known(file):
    extract = read(
        file("a.md", "Prices:\n\n| Model | Price |\n|---|---|\n| Path 2 | 899 |\n| Path 3 | 999 |\n\nAll in euro.\n")
    )
    (table,) = extract.tables
    assert (table.header, table.rows) == (("Model", "Price"), (("Path 2", "899"), ("Path 3", "999")))
    assert rows(extract) == [["| Path 2 | 899 |", "| Path 3 | 999 |"]]
    assert extract.text.endswith("All in euro.")


def test_html_keeps_what_a_browser_shows(file):
    page = """<html><head><title>Shop - Hours</title><style>p {}</style></head><body><nav>Home | Cart</nav>
      <h1>Opening <em>hours</em></h1><p>We open at <b>nine</b>.<br>On Sundays at ten.</p><p hidden>old text</p>
      <ul><li>Berlin</li><li>Hamburg</li></ul><div style="display: none">secret</div><script>alert(1)</script>
      <table><tr><th>Day</th><th>Open</th></tr><tr><td>Monday</td><td>9-18</td></tr></table><footer>Imprint</footer></body></html>"""
    extract = read(file("a.html", page))
    assert extract.title == "Opening hours"
    assert titles(extract) == [(1, "Opening hours")]
    assert "We open at nine.\nOn Sundays at ten." in extract.text
    assert "- Berlin\n\n- Hamburg" in extract.text
    assert "| Day | Open |\n| - | - |\n| Monday | 9-18 |" in extract.text
    assert extract.flags == ("hidden text (2 places)",)
    assert not any(word in extract.text for word in ("Cart", "secret", "old text", "alert", "Imprint"))


def test_html_is_read_in_the_encoding_it_declares(file):
    page = '<meta charset="iso-8859-1"><p>Fahrräder für alle</p>'.encode("latin-1")
    assert read(file("a.html", page)).text == "Fahrräder für alle"


def test_docx_keeps_headings_and_tables_in_order(tmp_path):
    extract = read(docx(tmp_path / "a.docx"))
    assert titles(extract) == [(1, "Leasing"), (2, "Cost")]
    assert extract.text.index("employer") < extract.text.index("| Path 2 | 49 euro |")


def test_csv_rows_name_their_columns_whatever_the_separator(file):
    assert read(file("a.csv", 'model,price\nPath 2,"8,99"\n')).text == "model: Path 2; price: 8,99"
    assert read(file("b.csv", "\ufeffmodel;price\nPath 2;899\n")).text == "model: Path 2; price: 899"


def test_a_pdf_knows_where_its_pages_start(file):
    extract = read(file("a.pdf", pdf("First page text", "Second page text")))
    assert [extract.text[place:].split()[0] for place in extract.pages] == ["First", "Second"]


def test_a_pdf_with_an_empty_password_opens(file):
    assert "a secret" in read(file("a.pdf", encrypted_pdf(""))).text


def test_text_in_utf16_and_with_a_mark_is_understood(file):
    assert read(file("a.txt", "Grüße".encode("utf-16"))).text == "Grüße"
    assert read(file("b.txt", "\ufeffGrüße\r\nzwei")).text == "Grüße\nzwei"


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("a.pdf", b"%PDF-1.7 and then nothing of the sort", Corrupt, "PDF"),
        ("b.pdf", b"\x00\x01\x02" * 400, Corrupt, "%PDF"),
        ("c.pdf", pdf("page")[:200], Corrupt, "PDF"),
        ("d.pdf", encrypted_pdf("hunter2"), Encrypted, "password"),
        ("a.docx", b"PK\x03\x04 broken", Corrupt, "DOCX"),
        ("b.docx", b"\xd0\xcf\x11\xe0 old", Encrypted, "password"),
        ("a.txt", b"\x7fELF\x00\x00", Binary, "zero byte"),
        ("b.txt", "Grüße".encode("latin-1"), WrongEncoding, "byte 2"),
        ("a.md", b"  \n ", Empty, "empty"),
        ("a.html", b"<html><script>1</script></html>", Empty, "no text"),
        ("a.csv", 'a,b\n"never closed', Corrupt, "CSV"),
        ("a.exe", b"MZ", Unsupported, ".exe"),
    ],
)
def test_an_unreadable_file_is_named_by_what_is_wrong_with_it(file, name, content, error, words):
    with pytest.raises(Unreadable, match=words) as caught:
        read(file(name, content))
    assert type(caught.value) is error
