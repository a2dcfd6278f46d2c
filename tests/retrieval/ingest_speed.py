"""How fast a folder of Markdown is taken in, without embeddings: read, split and stored, as the service does it.

`python -m tests.retrieval.ingest_speed [--rounds 3] [--copies 3] [--against CHECKOUT]` takes the given pages of a product's
documentation, so many times with other beginnings, into a new index, and prints the median pages a second; with another
checkout of Turnout also that one's, in turns in the same run, and the ratio. Beside it the processor's seconds of the process
that stores and of the one that reads: where nothing else runs on two cores, the larger of them is what it takes.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median

from core.assistant import Knowledge
from retrieval.index import Index, Setup
from retrieval.ingest import SHORT, Ingest
from retrieval.kinds import Place
from retrieval.ledger import Ledger
from retrieval.records import IngestRequest
from retrieval.shelf import Shelf

PAGES = Path(__file__).parents[3] / "shared" / "data" / "product_docs_md"


def lay_out(folder: Path, copies: int) -> None:
    for copy in range(copies):
        for page in sorted(PAGES.rglob("*.md")):
            name = "-".join(page.relative_to(PAGES).parts)
            (folder / f"{copy}-{name}").write_text(f"Edition {copy} of this page.\n\n{page.read_text('utf-8')}", "utf-8")


Figures = tuple[int, int, float, float, float]
"""Documents, passages, seconds, and the processor's seconds for storing and for reading."""


async def take(base: Path) -> Figures:
    """Take the folder `docs` in."""
    place = Place(base, base / "sources")
    with closing(Index(base / "index", Setup())) as index, closing(Ledger(base / "sources" / "ledger.sqlite3")) as ledger:
        ingest = Ingest(Shelf(index, ledger, place))
        await ingest.use(Knowledge(paths=("docs",), dense="off"))
        started, busy = time.perf_counter(), time.process_time()
        done = await ingest.run(ingest.begin(), IngestRequest(sources=(SHORT,)))
        took, busy = time.perf_counter() - started, time.process_time() - busy
        reading = sum(os.times()[2:4])
        assert not done.error, done.error
        assert not done.unread, done.skipped
        return (*index.counts(), took, busy, reading)


def once(copies: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "docs").mkdir()
        lay_out(Path(folder) / "docs", copies)
        print(*asyncio.run(take(Path(folder))))


def measured(checkout: Path, copies: int) -> Figures:
    command = [sys.executable, __file__, "--once", "--copies", str(copies)]
    environment = {**os.environ, "PYTHONPATH": str(checkout), "TURNOUT_LOG": "json"}
    told = subprocess.run(command, env=environment, cwd=checkout, check=True, capture_output=True, text=True).stdout
    documents, passages, *seconds = told.splitlines()[-1].split()
    took, storing, reading = map(float, seconds)
    return int(documents), int(passages), took, storing, reading


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--copies", type=int, default=3)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--once", action="store_true")
    chosen = parser.parse_args()
    if chosen.once:
        once(chosen.copies)
        return
    checkouts = {"this": Path(__file__).parents[2]} | ({"against": chosen.against} if chosen.against else {})
    rates: dict[str, list[float]] = {name: [] for name in checkouts}
    for _ in range(chosen.rounds):
        for name, checkout in checkouts.items():
            documents, passages, seconds, storing, reading = measured(checkout.absolute(), chosen.copies)
            rates[name].append(documents / seconds)
            busy = f"processor: storing {storing:.2f} s, reading {reading:.2f} s, so {documents / max(storing, reading):.0f} at most"
            print(
                f"{name}: {documents} pages, {passages} passages: {documents / seconds:.0f} a second in {seconds:.2f} s ({busy})"
            )
    for name, found in rates.items():
        print(f"{name}: median {median(found):.0f} pages a second")
    if chosen.against:
        print(f"ratio {median(rates['this']) / median(rates['against']):.2f}")


if __name__ == "__main__":
    main()
