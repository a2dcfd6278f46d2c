"""What documents that change all the time cost: memory, disk and search time of an index all of whose passages are replaced,
round by round.

`python -m tests.retrieval.wear [--documents 1000] [--rounds 50] [--kept]`; with `--kept`, no shard is written anew.
"""

import argparse
import random
import resource
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median

import numpy as np

from core.knowledge import SearchRequest
from retrieval.embeddings import Embedder
from retrieval.fusion import Weights
from retrieval.index import Index, Setup
from retrieval.manifest import Change, Row
from retrieval.readers.contract import LoadedDocument
from retrieval.splitting import split
from tests.retrieval.scale import SIZE, Free, text

TOLD = 10


class Random(Free):
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return np.random.default_rng(len(texts)).normal(size=(len(texts), SIZE)).tolist()


def change(number: int, words: str) -> Change:
    document = LoadedDocument(f"{number}.md", "Paper", words)
    row = Row(document.source, 0, document.source, "command", "hash", document.title, "", 0, 0.0)
    return Change(document, split(document), row)


def told(index: Index, folder: Path, rng: random.Random) -> str:
    spent = []
    for _ in range(100):
        before = time.process_time()
        index.search(SearchRequest(query=text(rng, 8)))
        spent.append((time.process_time() - before) * 1000)
    memory = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20
    disk = sum(path.stat().st_blocks for path in folder.glob("shard-*/**/*") if path.is_file()) >> 11
    return f"{memory} MB of memory, {disk} MB of disk, {median(spent):.2f} ms of processor a search"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--kept", action="store_true")
    chosen, rng = parser.parse_args(), random.Random(1)
    Free.ready = Random().embed_documents([""] * 100)
    setup = Setup("en", Embedder("random", Random(), at_once=500), Weights())
    with tempfile.TemporaryDirectory() as folder, closing(Index(Path(folder), setup)) as index:
        for number in range(chosen.rounds + 1):
            index.put_all([change(document, f"{text(rng, 90)} round{number}") for document in range(chosen.documents)])
            while index.embed_some():
                pass
            while not chosen.kept and index.move_some():
                pass
            if number % TOLD == 0:
                print(f"round {number}: {told(index, Path(folder), rng)}", flush=True)


if __name__ == "__main__":
    main()
