"""Tables that are drawn with rules in a PDF: their cells are looked up exactly, whatever draws the rules."""

import pytest

from retrieval.readers import extract, pdf_rules
from tests.retrieval.files import drawn_pdf

LEFT, TOP, WIDE, HIGH = 72, 700, 110, 20
MODELS = [["Model", "Size", "Price"], ["Path 2", "S", "899"], ["Path 2", "L", "949"], ["Kite Pro", "M", "1 299"]]


def words(x, y, text, font="F1"):
    return f"BT /{font} 10 Tf {x} {y} Td ({text}) Tj ET"


def texts(rows, top=TOP, bold=False):
    return [
        words(LEFT + 4 + WIDE * column, top - HIGH * row - 14, cell, "F2" if bold and not row else "F1")
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
        if cell
    ]


def stroked(x, y, u, v):
    return f"{x} {y} m {u} {v} l S"


def filled(x, y, u, v):
    return f"{x} {y} {max(u - x, 0.5)} {max(v - y, 0.5)} re f"


def rules(rows, top=TOP, draw=stroked, without=()):
    """All rules of a grid, piece by piece, but for those `without`: (a row and a column between which none is)."""
    wide, high = len(rows[0]), len(rows)
    x, y = (lambda n: LEFT + WIDE * n), (lambda n: top - HIGH * n)
    across = [(row, column, x(column), y(row), x(column + 1), y(row)) for row in range(high + 1) for column in range(wide)]
    down = [(row, column, x(column), y(row + 1), x(column), y(row)) for row in range(high) for column in range(wide + 1)]
    found = [draw(*line) for row, column, *line in across if ("above", row, column) not in without]
    return found + [draw(*line) for row, column, *line in down if ("left", row, column) not in without]


def boxed(rows, top=TOP):
    """Each cell with a border of its own, a little apart from its neighbours'."""
    return [
        f"{LEFT + WIDE * column + 0.7} {top - HIGH * (row + 1) + 0.7} {WIDE - 1.4} {HIGH - 1.4} re S"
        for row in range(len(rows))
        for column in range(len(rows[0]))
    ]


def read(*pages, **how):
    return extract(drawn_pdf(*("\n".join(page) for page in pages), **how), ".pdf")


def tables(*pages, **how):
    return [[[*table.header], *map(list, table.rows)] for table in read(*pages, **how).tables]


@pytest.mark.parametrize(
    "drawn",
    [rules(MODELS), rules(MODELS, draw=filled), boxed(MODELS), [f"{' '.join(rules(MODELS)).replace(' S', '')} S"]],
    ids=["lines", "thin rectangles", "a box for each cell", "one path"],
)
def test_what_rules_draw_is_a_table(drawn):
    assert tables([*drawn, *texts(MODELS)]) == [MODELS]


def test_a_table_within_a_form_is_one_where_the_form_is_shown():
    form = "\n".join([*rules(MODELS), *texts(MODELS)])
    assert tables(["q 0.5 0 0 0.5 100 100 cm /X Do Q"], form=form) == [MODELS]


def test_a_table_on_a_page_that_is_turned_is_read_as_it_shows():
    lying = ["0 1 -1 0 800 0 cm", *rules(MODELS), *texts(MODELS)]
    assert tables(lying, turned=90) == [MODELS]


def test_lines_of_a_cell_are_joined_and_the_order_of_drawing_does_not_matter():
    second = words(LEFT + 4, TOP - 38, "in red")
    found = tables([*reversed(texts(MODELS)), second, *rules(MODELS)])
    assert [sorted(cells) for cells in found[0]] == [
        sorted([*MODELS[0]]),
        sorted(["Path 2 in red", "S", "899"]),
        *map(sorted, MODELS[2:]),
    ]


def test_what_is_merged_stands_in_every_place_it_covers():
    rows = [["Model", "Price", ""], ["", "S", "L"], ["Path 2", "899", "949"]]
    merged = {("left", 0, 2), ("above", 1, 0)}
    expected = [["Model", "Price", "Price"], ["Model", "S", "L"], ["Path 2", "899", "949"]]
    assert tables([*rules(rows, without=merged), *texts(rows)]) == [expected]


def test_sides_may_be_open():
    open_sides = {("left", row, column) for row in range(4) for column in (0, 3)}
    assert tables([*rules(MODELS, without=open_sides), *texts(MODELS)]) == [MODELS]


def test_text_stays_where_it_stands_around_the_table():
    page = [words(72, 730, "Before."), *rules(MODELS), *texts(MODELS), words(72, 500, "After.")]
    text = read(page).text
    assert text.startswith("Before.\n\n| Model | Size | Price |\n")
    assert text.endswith("| Kite Pro | M | 1 299 |\n\nAfter.")


def test_frames_charts_and_empty_grids_are_no_tables():
    frame = ["40 40 500 720 re S", "40 400 m 540 400 l S", "300 40 m 300 760 l S"]
    chart = [*rules([[""] * 5] * 5, top=300), words(50, 310, "100"), words(50, 190, "0")]
    column = [words(60, 740 - 11 * line, f"Line {line} of a letter that fills a page.") for line in range(25)]
    found = read([*frame, *column, words(320, 380, "Note"), *chart, words(72, 60, "Text")])
    assert found.tables == ()
    assert "Line 24 of a letter" in found.text


def test_a_table_that_goes_on_on_the_next_page_keeps_its_columns_names():
    more = [["Sail", "S", "79"], ["Sail", "L", "99"]]
    first, second = [*rules(MODELS), *texts(MODELS, bold=True)], [*rules(more), *texts(more)]
    assert tables(first, second) == [MODELS, [MODELS[0], *more]]
    headed = [["Part", "Kind", "Weight"], *more]
    assert tables(first, [*rules(headed), *texts(headed, bold=True)]) == [MODELS, headed]


def test_where_too_much_is_drawn_tables_are_running_text_and_the_owner_is_told(monkeypatch):
    monkeypatch.setattr(pdf_rules, "MOST", 500)
    drawing = [f"{n} 0 m 600 {n} l S" for n in range(600)]
    found = read([*rules(MODELS), *texts(MODELS)], [*drawing, *rules(MODELS), *texts(MODELS)])
    assert len(found.tables) == 1
    assert found.flags == ("tables are running text from page 2 on (too much is drawn)",)
    assert found.text.count("1 299") == 2


async def test_every_price_of_a_list_that_was_ingested_is_told_exactly_with_its_page(rig):
    rows = [[f"Gear {number}", f"G-{number:03}", f"{number * 37 % 991}.{number % 90 + 10}"] for number in range(60)]
    sheets = [[["Part", "Code", "Price"], *rows[start : start + 30]] for start in (0, 30)]
    pages = ["\n".join([words(72, 740, "Our prices"), *rules(sheet), *texts(sheet, bold=True)]) for sheet in sheets]
    path = rig.write("lists/prices.pdf", drawn_pdf(*pages))
    async with rig.serving():
        assert "1 added" in (await rig.command(path)).output
        for place, (name, code, price) in enumerate(rows):
            for asked in (f"What does the {name} cost?", f"the price of {code}"):
                (cell,) = (await rig.search(asked)).cells
                assert (cell.value, cell.passage.page) == (price, 1 + place // 30), asked
