"""Passages are exact pieces of their document, below their headings, of a size that can be read."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from retrieval.readers import extract
from retrieval.readers.contract import Heading, LoadedDocument, Writer
from retrieval.splitting import WORDS, split, words

WORD = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=12)
BREAK = st.sampled_from([" ", "\n", "\n\n", ". ", "? ", "。", "", "  ", "\t", " \n\n \n"])
TEXT = st.lists(st.tuples(st.sampled_from(["same words again"]) | WORD, BREAK), max_size=120).map(
    lambda parts: "".join(a + b for a, b in parts)
)


def document(text, *headings, pages=()):
    return LoadedDocument("a.md", "Title", text, headings, pages)


@given(TEXT, st.integers(1, 8))
def test_every_passage_is_exactly_the_text_at_its_offsets(text, times):
    loaded = document(text * times)
    pieces = split(loaded)
    assert all(loaded.text[piece.start : piece.end] == piece.text for piece in pieces)
    assert all(before.end <= after.start for before, after in pairwise(pieces))
    assert len({piece.id for piece in pieces}) == len(pieces)
    assert all(words(piece.text) <= WORDS for piece in pieces)


@given(TEXT)
def test_no_letter_gets_lost(text):
    kept = "".join(piece.text for piece in split(document(text)))
    assert "".join(kept.split()) == "".join(text.split())


@given(st.lists(st.tuples(st.booleans(), TEXT), max_size=6))
def test_headings_bound_passages_wherever_they_stand(blocks):
    writer = Writer()
    for is_heading, text in blocks:
        writer.heading(2, text) if is_heading else writer.block(text)
    extract = writer.extract()
    loaded = document(extract.text, *extract.headings)
    for piece in split(loaded):
        assert loaded.text[piece.start : piece.end] == piece.text
        inside = [h for h in extract.headings if piece.start < h.start < piece.end]
        assert not inside or not any(text.strip() for is_heading, text in blocks if not is_heading)


def test_a_passage_stands_below_the_path_of_its_headings():
    writer = Writer()
    for level, title, body in ((1, "Title", "intro"), (2, "Returns", "thirty days"), (3, "Bikes", "20 km"), (2, "Gifts", "no")):
        writer.heading(level, title)
        writer.block(body)
    extract = writer.extract()
    pieces = split(document(extract.text, *extract.headings))
    assert [(p.heading, p.text) for p in pieces] == [
        ("", "intro"),
        ("Returns", "thirty days"),
        ("Returns › Bikes", "20 km"),
        ("Gifts", "no"),
    ]


def test_a_passage_knows_its_page():
    text = "first page\n\n" + "word " * 400 + "last page"
    pieces = split(document(text, pages=(0, 12, text.index("last"))))
    assert (pieces[0].page, pieces[1].page) == (1, 2)


def test_a_document_of_nothing_but_headings_is_still_found():
    assert split(document("# Only this", Heading(1, "Only this", 0, 11)))[0].text == "# Only this"


def test_a_passage_keeps_its_id_when_other_words_come_before_it():
    before, after = split(document("# a\n\nthe same")), split(document("new\n\nthe same"))
    assert before[0].id != after[0].id
    one = split(document("the same", Heading(1, "x", 0, 0)))
    two = split(document("zero\n\nthe same", Heading(1, "x", 0, 4)))
    assert one[0].id == two[-1].id
    assert two[-1].start == 6


def loaded(text, suffix=".md"):
    found = extract(text.encode(), suffix)
    return LoadedDocument("a.md", "Title", found.text, found.headings, found.pages, tables=found.tables)


def test_a_long_table_is_cut_between_rows_and_its_columns_stay_known():
    rows = [f"| Path {n} | {n}99 euro | {'in stock ' * (n % 7)} |" for n in range(80)]
    made = loaded(
        "\n".join(["# Prices", "", "All in euro.", "", "| Model | Price | Stock |", "|---|---|---|", *rows, "", "Ask us."])
    )
    first, *later = split(made)
    assert first.text.startswith("All in euro.\n\n| Model | Price | Stock |")
    assert first.heading == "Prices"
    assert len(later) > 2
    assert {piece.heading for piece in later} == {"Prices › | Model | Price | Stock |"}
    assert "\n".join(piece.text for piece in (first, *later)).count("| Model |") == 1
    assert [line for piece in (first, *later) for line in piece.text.split("\n") if line.startswith("| Path")] == rows


def test_a_block_of_code_stays_whole_even_when_it_is_longer_than_a_passage():
    code = "```python\n" + "\n\n".join(f"value_{n} = compute({n})" for n in range(60)) + "\n```"
    made = loaded("# Use\n\n" + "Some words before. " * 40 + f"\n\n{code}\n\n" + "And some after. " * 40)
    (holds,) = [piece.text for piece in split(made) if "```" in piece.text]
    assert holds == code
    assert WORDS < words(code) <= 2 * WORDS


def test_code_that_is_far_too_long_is_cut_at_its_lines():
    lines = [f"value_{n} = compute({n})" for n in range(600)]
    pieces = split(loaded("```\n" + "\n".join(lines) + "\n```"))
    assert all(words(piece.text) <= WORDS for piece in pieces)
    assert [line for piece in pieces for line in piece.text.split("\n") if line in lines] == lines


@given(
    st.lists(
        st.sampled_from(["```", "~~~~", "```py", "| a | b |", "|-|-|", "| x | y |", "words", "", "# H", "> | q |"]), max_size=40
    )
)
def test_whatever_a_markdown_holds_its_passages_are_exact_and_complete(lines):
    made = loaded("\n".join(["start", *lines]))
    pieces = split(made)
    assert all(made.text[piece.start : piece.end] == piece.text for piece in pieces)
    assert all(before.end <= after.start for before, after in pairwise(pieces))
    for table in made.tables:
        assert not any("\n" in made.text[start:end] for start, end in table.places)
        assert not any(start < piece.start < end for start, end in table.places for piece in pieces)
