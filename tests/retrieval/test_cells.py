"""A question that names a row and a column gets the cell as it stands in the table; what is not plain gets none."""

import random

import pytest

from core.knowledge import DocumentRequest, SearchRequest, Tags
from retrieval.index import Index, Setup
from retrieval.manifest import Row
from retrieval.readers import table
from retrieval.readers.contract import LoadedDocument, Writer
from retrieval.splitting import split

PRICES = [["Model", "Size", "Price (EUR)", "Daily limit"], ["Path 2", "S", "899", "3"], ["Path 2", "L", "949", "4"]]
PRICES += [["Kite Pro", "M", "1 299", "5"], ["Kite Pro Max", "M", "1 799", "6"], ["Sail", "", "", "7"]]


@pytest.fixture
def index(tmp_path):
    made = Index(tmp_path, Setup())
    yield made
    made.close()


def put(index, source, rows, title="", **tags):
    writer = Writer()
    writer.table(rows, title)
    extract = writer.extract("Prices")
    document = LoadedDocument(source, "Prices", extract.text, tables=extract.tables)
    index.put(document, split(document), row=Row(source, 0, source, "command", "hash", "Prices", "", 0, 0.0, Tags(**tags)))


def cells(index, query, **asked):
    return [(cell.value, cell.row, cell.passage.source) for cell in result(index, query, **asked).cells]


def result(index, query, **asked):
    return index.search(SearchRequest(query=query, **asked))


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("What does the Path 2 in size L cost?", "949"),
        ("price of the kite pro", "1 299"),
        ("How much is the Kite Pro Max?", "1 799"),
        ("Was kostet das Kite Pro?", "1 299"),
        ("What is the daily limit of Sail?", "7"),
    ],
)
def test_the_cell_is_given_word_for_word_with_its_place(index, query, value):
    put(index, "prices.md", PRICES)
    (cell,) = result(index, query).cells
    assert cell.value == value
    assert f"| {value} |" in cell.passage.text
    document = index.document(DocumentRequest(source=cell.passage.source))
    assert document.text[cell.passage.start : cell.passage.end] == cell.passage.text


@pytest.mark.parametrize(
    "query",
    [
        "What does the Path 2 cost?",  # two sizes, two prices
        "What does the Kite cost?",  # no row of that name
        "What does the Kite Pro Ultra cost?",  # the name goes on
        "Tell me about the Kite Pro",  # no column
        "What does the Sail cost?",  # nothing stands there
        "Kite Pro: price and daily limit?",  # two columns
    ],
)
def test_what_is_not_plain_gets_no_cell(index, query):
    put(index, "prices.md", PRICES)
    assert cells(index, query) == []


def test_an_amount_tells_rows_of_one_name_apart_but_names_none_by_itself(index):
    put(
        index,
        "frames.md",
        [["Bike", "Frame", "Range", "Price"], ["Volt", "54 cm", "35 km", "899"], ["Volt", "58 cm", "40 km", "949"]],
    )
    assert cells(index, "I rode 35 km on my new bike, will you take it back?") == []
    assert [value for value, *_ in cells(index, "What does the Volt in 58 cm cost?")] == ["949"]


def test_prices_looked_up_in_generated_tables_are_exact(index):
    rng, said = random.Random(4), {}
    makers = ["Astra", "Bolt", "Cirrus", "Delta", "Echo", "Falcon", "Gale", "Helix"]
    for number in range(20):
        models = [f"{maker} {rng.randint(1, 99)}{rng.choice(['', ' Pro', ' Mini'])} T{number}" for maker in makers]
        rows = [[model, f"{rng.randint(10, 9999)}.{rng.randint(10, 99)}", str(rng.randint(1, 50))] for model in models]
        put(index, f"{number}.md", [["Product", "Price", "Stock"], *rows])
        said |= {(model, "price"): price for model, price, _ in rows} | {(model, "stock"): stock for model, _, stock in rows}
    wrong = [name for name, value in said.items() if [c[0] for c in cells(index, f"{name[1]} of {name[0]}?")] != [value]]
    assert (len(said), wrong) == (320, [])


def test_rows_of_a_csv_file_are_looked_up_too(index):
    extract = table.read(b"code,meaning\nE404,page is gone\nE500,server is ill\n")
    document = LoadedDocument("codes.csv", "Codes", extract.text, tables=extract.tables)
    index.put(document, split(document), row=Row("codes.csv", 0, "x", "command", "h", "Codes", "", 0, 0.0))
    assert cells(index, "What is the meaning of E500?") == [("server is ill", "E500", "codes.csv")]


def test_a_changed_or_removed_table_answers_no_more(index):
    put(index, "prices.md", PRICES)
    put(index, "prices.md", [["Model", "Price"], ["Kite Pro", "1 399"]])
    assert cells(index, "price of Kite Pro") == [("1 399", "Kite Pro", "prices.md")]
    index.remove("prices.md")
    assert cells(index, "price of Kite Pro") == []
    assert index._manifest._all("select (select count(*) from rows), (select count(*) from names)") == [(0, 0)]


def test_a_row_that_may_not_be_read_neither_answers_nor_makes_another_ambiguous(index):
    put(index, "all.md", [["Model", "Price"], ["Kite", "100"]], version="2")
    put(index, "staff.md", [["Model", "Price"], ["Kite", "60"]], audience=("staff",), version="1")
    assert cells(index, "price of Kite") == [("100", "Kite", "all.md")]
    assert cells(index, "price of Kite", audiences=("staff",)) == []  # two versions, and nobody said which
    assert cells(index, "price of Kite", audiences=("staff",), version="1") == [("60", "Kite", "staff.md")]


def test_the_title_of_a_table_tells_two_of_one_document_apart(index):
    writer = Writer()
    writer.table([["Plan", "Price"], ["Basic", "10"]], "Monthly")
    writer.table([["Plan", "Price"], ["Basic", "90"]], "Yearly")
    extract = writer.extract("Plans")
    document = LoadedDocument("plans.md", "Plans", extract.text, tables=extract.tables)
    index.put(document, split(document), row=Row("plans.md", 0, "x", "command", "h", "Plans", "", 0, 0.0))
    assert cells(index, "yearly price of the basic plan") == [("90", "Basic", "plans.md")]
    assert cells(index, "price of basic") == []
