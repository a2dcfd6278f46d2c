"""How much of a document arrives: the readers' text against the expected Markdown of docling's fixtures.

Word F1 of a file: the multisets of lower-cased words (`\\w+`) of our text and of the expected Markdown, which is first freed of what
is no word of the document: comments (`<!-- image -->`), addresses of links, escapes, HTML entities. A kind's figure is the mean of
its files; one that cannot be read counts 0. `python -m pytest tests/retrieval/test_ingestion.py -s` prints the figures.
"""

import html
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from retrieval.parsing import parser
from retrieval.readers import READERS, read
from retrieval.readers.contract import Unreadable

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data"
FIXTURES, PRODUCT = DATA / "docling_fixtures", DATA / "product_docs_md"
LEAST = {"pdf": 0.97, "docx": 0.98, "html": 0.975, "pptx": 0.935, "xlsx": 0.935, "md": 0.9}


def words(text):
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = html.unescape(re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text))
    return Counter(re.findall(r"\w+", re.sub(r"\\([_*#\[\]`])", r"\1", text).lower()))


def f1(ours, expected):
    ours, expected = words(ours), words(expected)
    return 2 * (ours & expected).total() / max(1, ours.total() + expected.total())


def text_of(path):
    try:
        return read(path).text
    except Unreadable:
        return ""


def scores(kind):
    folder = FIXTURES / kind
    for path in sorted((folder / "sources").iterdir()):
        expected = folder / "groundtruth" / f"{path.stem if kind == 'pdf' else path.name}.md"
        if expected.exists() and path.suffix in READERS:
            yield path.name, f1(text_of(path), expected.read_text())


@pytest.mark.parametrize("kind", LEAST)
def test_nearly_every_word_arrives_and_hardly_one_twice(kind):
    if not FIXTURES.is_dir():
        pytest.skip(f"{FIXTURES} is not on this machine")
    found = dict(scores(kind))
    mean = sum(found.values()) / len(found)
    worst = min(found, key=found.__getitem__)
    print(f"\n{kind}: word F1 {mean:.4f} over {len(found)} files, the least {found[worst]:.3f} ({worst})")
    assert mean >= LEAST[kind]


def test_a_pdfs_headings_are_found_and_not_many_others():
    """Prints how many of the expected headings are ours, and of ours are expected, by their words."""
    if not FIXTURES.is_dir():
        pytest.skip(f"{FIXTURES} is not on this machine")
    ours, expected = Counter(), Counter()
    for path in sorted((FIXTURES / "pdf" / "sources").iterdir()):
        wanted = FIXTURES / "pdf" / "groundtruth" / f"{path.stem}.md"
        if wanted.exists():
            told = [line.lstrip("# ") for line in wanted.read_text().splitlines() if line.startswith("#")]
            expected.update((path.name, *sorted(words(title))) for title in told)
            ours.update((path.name, *sorted(words(one.title))) for one in read(path).headings)
    both = (ours & expected).total()
    found, right = both / expected.total(), both / ours.total()
    print(
        f"\npdf headings: {found:.2f} of {expected.total()} expected are found, {right:.2f} of {ours.total()} found are expected"
    )
    assert found >= 0.5


async def test_a_products_pages_are_read_and_split():
    """Prints the pages a second, through a warm process."""
    if not PRODUCT.is_dir():
        pytest.skip(f"{PRODUCT} is not on this machine")
    pages = sorted(PRODUCT.rglob("*.md"))
    passages = 0
    async with parser() as reading:
        await reading.parse(pages[0], "warm")
        started = time.monotonic()
        for path in pages:
            document, pieces = await reading.parse(path, path.name)
            passages += len(pieces)
            assert all(document.text[piece.start : piece.end] == piece.text for piece in pieces)
        seconds = time.monotonic() - started
    print(f"\n{len(pages)} pages, {passages} passages in {seconds:.2f} s: {len(pages) / seconds:.0f} pages a second")
    assert passages > 2000
