"""CSV: each row becomes one line that names its columns, and a passage of its own, as people ask for one row."""

import csv
import io
import sys
from itertools import accumulate, pairwise

from retrieval.readers.contract import Corrupt, Extract, Heading, Table, row
from retrieval.readers.hidden import Hidden
from retrieval.readers.text import written


def read(data: bytes) -> Extract:
    hidden = Hidden()
    text = hidden.strip(written(data))
    csv.field_size_limit(sys.maxsize)
    try:
        rows = [
            [" ".join(cell.split()) for cell in cells] for cells in csv.reader(io.StringIO(text), _dialect(text), strict=True)
        ]
    except csv.Error as error:
        raise Corrupt(f"not valid CSV: {error}") from None
    rows = [cells for cells in rows if any(cells)]
    header, *body = rows
    named = [row(header, cells) for cells in body] or ["; ".join(header)]
    starts = list(accumulate((len(line) + 1 for line in named), initial=0))
    places = tuple((start, end - 1) for start, end in pairwise(starts)) if body else ()
    table = Table("", tuple(header), tuple(map(tuple, body)), places, 0, starts[-1] - 1)
    headings = tuple(Heading(1, "", start, start) for start in starts[:-1])
    return Extract("\n".join(named), headings=headings, tables=(table,), flags=hidden.flags())


def _dialect(text: str) -> type[csv.Dialect]:
    """Comma unless the first lines plainly use another separator."""
    first = text.split("\n", 1)[0]
    separator = max(",;\t|", key=first.count)

    class Found(csv.excel):
        delimiter = separator

    return Found
