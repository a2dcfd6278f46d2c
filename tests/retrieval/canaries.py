"""Nobody finds what is not for them: random questions over five audiences, each document with a word that only it has.

`python -m tests.retrieval.canaries --queries 100000` prints the leaks, and what filtering costs against an index that holds
nothing but what the asker may read.
"""

import argparse
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from core.knowledge import DocumentRequest, SearchRequest, Tags
from retrieval.embeddings import Embedder
from retrieval.index import Index, Setup
from retrieval.manifest import Change, Row
from retrieval.readers.contract import LoadedDocument
from retrieval.splitting import split
from tests.retrieval.fakes import Counting

AUDIENCES = ("sales", "staff", "partners", "board", "medics")
PRODUCTS, VERSIONS, LANGUAGES = ("", "kite", "sail"), ("", "1", "2"), ("", "en", "de")
WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("nel", "rix", "tom", "vas", "lup", "gan")]


@dataclass(frozen=True)
class Known:
    source: str
    canary: str
    text: str
    tags: Tags


@dataclass(frozen=True)
class Outcome:
    queries: int
    leaks: int
    passages: int
    recall: float
    oracle: float


def corpus(rng: random.Random, size: int) -> list[Known]:
    made = []
    for number in range(size):
        canary = f"canary{number}x"
        text = " ".join([*rng.choices(WORDS, k=60), canary, *rng.choices(WORDS, k=20)])
        audience = tuple(rng.sample(AUDIENCES, rng.choice((0, 1, 1, 2, 3))))
        product, version, language = map(rng.choice, (PRODUCTS, VERSIONS, LANGUAGES))
        at = rng.choice((0.0, rng.uniform(1, 1000)))
        tags = Tags(audience=audience, product=product, version=version, language=language, at=at)
        made.append(Known(f"{number}.md", canary, text, tags))
    return made


def fill(folder: Path, documents: list[Known]) -> Index:
    index, changes = Index(folder, Setup(embedder=Embedder("counting", Counting()))), []
    for known in documents:
        document = LoadedDocument(known.source, f"Paper {known.source}", known.text)
        row = Row(known.source, 0, f"/{known.source}", "command", "hash", document.title, "", 0, 0.0, known.tags)
        changes.append(Change(document, split(document), row))
    index.put_all(changes)
    while index.embed_some():
        pass
    return index


def request(rng: random.Random, documents: list[Known]) -> SearchRequest:
    """Words of two documents, canaries too, asked by anybody, often narrowed."""
    words = [word for known in rng.sample(documents, 2) for word in [*rng.sample(known.text.split(), 3), known.canary]]
    since, until = sorted((rng.uniform(0, 1000), rng.uniform(0, 1000)))
    narrowed = {
        "product": rng.choice(PRODUCTS),
        "version": rng.choice(VERSIONS),
        "language": rng.choice(LANGUAGES),
        "since": rng.choice((0.0, since)),
        "until": rng.choice((0.0, until)),
    }
    chosen = {name: value for name, value in narrowed.items() if rng.random() < 0.4}
    return SearchRequest(query=" ".join(words), k=10, audiences=tuple(rng.sample(AUDIENCES, rng.randint(0, 5))), **chosen)


def allowed(tags: Tags, asked: SearchRequest) -> bool:
    """The rules once more, in other words than the product's."""
    if tags.audience and not set(tags.audience) & set(asked.audiences):
        return False
    for wish in ("product", "version", "language"):
        if getattr(asked, wish) and getattr(tags, wish) and getattr(asked, wish) != getattr(tags, wish):
            return False
    return not tags.at or (asked.since <= tags.at and (not asked.until or tags.at < asked.until))


def run(queries: int, *, size: int, folder: Path, seed: int = 1) -> Outcome:
    rng = random.Random(seed)
    documents = corpus(rng, size)
    tagged = {known.source: known.tags for known in documents}
    index = fill(folder / "all", documents)
    leaks = passages = 0
    for _ in range(queries):
        asked = request(rng, documents)
        found = index.search(asked).passages
        passages += len(found)
        leaks += sum(not allowed(tagged[passage.source], asked) for passage in found)
        wanted = rng.choice(documents)
        text = index.document(DocumentRequest(source=wanted.source, audiences=asked.audiences)).text
        leaks += bool(text) and not allowed(wanted.tags, SearchRequest(query="", audiences=asked.audiences))
    recall, oracle = losses(rng, documents, index, folder)
    index.close()
    return Outcome(queries, leaks, passages, recall, oracle)


def losses(rng: random.Random, documents: list[Known], index: Index, folder: Path) -> tuple[float, float]:
    """Recall at 10 of the document that four words were taken from: filtered, and where nothing needed filtering."""
    hits, best, asked = 0, 0, 0
    for audience in AUDIENCES:
        own = [known for known in documents if allowed(known.tags, SearchRequest(query="", audiences=(audience,)))]
        alone = fill(folder / audience, own)
        for known in rng.sample(own, min(len(own), 40)):
            query = SearchRequest(query=" ".join(rng.sample(known.text.split(), 4)), k=10, audiences=(audience,))
            hits += known.source in {passage.source for passage in index.search(query).passages}
            best += known.source in {passage.source for passage in alone.search(query).passages}
            asked += 1
        alone.close()
    return hits / asked, best / asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--size", type=int, default=1000, help="documents")
    chosen, started = parser.parse_args(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(chosen.queries, size=chosen.size, folder=Path(folder))
    print(outcome, f"in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
