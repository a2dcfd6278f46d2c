"""How fast a large index answers: the service over NATS, made passages and vectors, the question's vector for nothing.

`python -m tests.retrieval.scale [--passages 100000 1000000] [--restricted 0.0]`: latencies of hybrid searches one after another,
the memory of the process that serves (this one; it also asks), and how much of what is nearest the dense leg finds.
Sizes take turns, round for round, so that their ratio holds on a busy machine. `--restricted`: the share of passages that only
`staff` may read, while the question is everybody's, so that the engine has to filter.
"""

import argparse
import asyncio
import os
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice, product
from pathlib import Path
from statistics import median, quantiles

import numpy as np
from langchain_core.embeddings import Embeddings

from core import embedded
from core.assistant import Knowledge
from core.bus_nats import connect
from core.errors import Unavailable
from core.knowledge import SearchRequest, SearchResult, Tags
from core.records import Health, decode, encode
from core.settings import load
from retrieval import embeddings, service
from retrieval.fusion import Weights
from retrieval.index import Index, Setup
from retrieval.manifest import Change, Row
from retrieval.readers.contract import LoadedDocument
from retrieval.scope import Scope
from retrieval.splitting import Piece
from retrieval.stores.contract import Asked, Entry
from retrieval.vectors import EMBEDDER, FIELDS

SIZE, TOPICS, EACH, WARM = 384, 2000, 5, 50
WORDS = [f"{a}{b}{c}{d}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("nd", "rk", "st", "lm", "x") for d in "aeiourstk"]
PLACE = "tests.retrieval.scale:Free"
ASSISTANT = f'[assistant]\nname = "Scale"\ndefault_route = ["rag"]\n[knowledge]\nembeddings = "{PLACE}"\n'


class Free(Embeddings):
    """A question's vector is a topic's with some noise, drawn before the clock runs."""

    ready: list[list[float]] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return Free.ready[hash(text) % len(Free.ready)] if Free.ready else [1.0] * SIZE


def text(rng: random.Random, words: int) -> str:
    return " ".join(WORDS[min(len(WORDS) - 1, int(rng.paretovariate(0.7)) - 1)] for _ in range(words))


def topics(seed: int) -> Iterator[list[float]]:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(TOPICS, SIZE))
    while True:
        yield (centres[rng.integers(TOPICS)] + rng.normal(size=SIZE) * 0.8).tolist()


def fill(folder: Path, passages: int, restricted: float) -> None:
    rng, vectors = random.Random(1), topics(1)
    index = Index(folder, Setup("en", embeddings.find(Knowledge(embeddings=PLACE)), Weights()))
    manifest, shard = index._manifest, index._shard
    shard.has_dense(FIELDS[0], SIZE)
    manifest.put(EMBEDDER, f"{PLACE}|{SIZE}|{FIELDS[0]}")
    for number in range(passages // EACH):
        source, tags = f"{number}.md", Tags(audience=("staff",) if rng.random() < restricted else ())
        pieces = [Piece(f"{number}-{n}", text(rng, 90), "", n, n + 1, 0) for n in range(EACH)]
        (rev,) = manifest.stage(1)
        common = {"source": source, "title": f"Paper {number}", "url": "", "heading": "", "page": 0}
        payloads = [
            common | {"id": p.id, "text": p.text, "start": p.start, "end": p.end, "place": number * EACH + n}
            for n, p in enumerate(pieces)
        ]
        shard.stage([(rev, Entry(payload, tags, "en", {FIELDS[0]: next(vectors)})) for payload in payloads])
        row = Row(source, rev, source, "command", "hash", common["title"], "", EACH, 0.0, tags)
        document = LoadedDocument(source, common["title"], "\n\n".join(p.text for p in pieces))
        manifest.commit([Change(document, pieces, row)])
    while index.embed_some() or index.move_some():  # as the service would, before it is asked
        pass
    index.close()


@dataclass(frozen=True)
class Round:
    """Milliseconds of each search, and of processor time (service and asker) a search."""

    took: list[float]
    processor: float

    @property
    def cuts(self) -> tuple[float, float]:
        cuts = quantiles(self.took, n=100)
        return cuts[49], cuts[94]


@dataclass(frozen=True)
class Size:
    passages: int
    data: Path
    rounds: list[Round] = field(default_factory=list)


async def ask(size: Size, url: str, queries: int, seed: int) -> None:
    settings = load(
        TURNOUT_ASSISTANT=size.data / "assistant.toml", TURNOUT_DATA=size.data, NATS_URL=url, REDIS_URL="redis://unused"
    )
    rng, vectors = random.Random(seed), topics(seed)
    Free.ready = [next(vectors) for _ in range(queries)]
    serving, took, spent = asyncio.create_task(service.serve(settings)), [], 0.0
    async with connect(url, name="scale") as bus:
        while not await ready(bus):
            await asyncio.sleep(0.5)
        for number in range(queries + WARM):
            if number == WARM:
                spent = time.process_time()
            request = encode(SearchRequest(query=text(rng, 8)))
            started = time.perf_counter()
            result = decode(SearchResult, await bus.request("retrieval.search", request, timeout=60))
            took.append((time.perf_counter() - started) * 1000)
            assert (len(result.passages), result.legs) == (6, ("lexical", "dense"))
        spent = time.process_time() - spent
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    size.rounds.append(Round(took[WARM:], spent * 1000 / queries))


async def ready(bus) -> bool:
    try:
        return decode(Health, await bus.request("health.retrieval", b"", timeout=5)).ready
    except Unavailable:
        return False


def found_again(folder: Path, passages: int, queries: int = 100) -> tuple[float, float]:
    """The share of what is nearest by the vectors as they were given, the best ten and the best hundred, that is found."""
    given = topics(1)
    vectors = np.array([next(given) for _ in range(passages)], np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked, best = topics(3), {10: 0, 100: 0}
    with closing(Index(folder, Setup("en", embeddings.find(Knowledge(embeddings=PLACE)), Weights()))) as index:
        for vector in islice(asked, queries):
            found = index._shard.search(Asked("", "", vector, Scope({}), FIELDS[0]), 100).dense
            places = [int(payload["place"]) for payload in index._shard.payloads([point for point, _ in found])]
            exact = np.argsort(-(vectors @ np.array(vector, np.float32)))[:100].tolist()
            for k in best:
                best[k] += len({*places[:k]} & {*exact[:k]})
    return best[10] / queries / 10, best[100] / queries / 100


async def measure(sizes: list[Size], restricted: float, queries: int, rounds: int) -> None:
    for size in sizes:
        (size.data / "assistant.toml").write_text(ASSISTANT)
        started = time.perf_counter()
        fill(size.data / "index", size.passages, restricted)
        print(f"{size.passages} passages filled in {time.perf_counter() - started:.0f} s", flush=True)
    async with embedded.servers(load(TURNOUT_DATA=sizes[0].data, NATS_URL="", REDIS_URL="")) as servers:
        for number, size in product(range(rounds), sizes):
            await ask(size, servers.nats_url, queries, number + 10)
            p50, p95 = size.rounds[-1].cuts
            print(
                f"{size.passages} passages: p50 {p50:.1f} ms, p95 {p95:.1f}, fastest {min(size.rounds[-1].took):.1f}; "
                f"{size.rounds[-1].processor:.2f} ms of processor a search; load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{memory} MB at most, filling included", flush=True)
    for size in sizes:
        told(size, restricted)


def told(size: Size, restricted: float) -> None:
    ten, hundred = found_again(size.data / "index", size.passages)
    p50s, p95s = zip(*(one.cuts for one in size.rounds), strict=True)
    print(
        f"{size.passages} passages, {restricted:.0%} restricted: p50 {median(p50s):.1f} ms (best round {min(p50s):.1f}), "
        f"p95 {median(p95s):.1f} ({min(p95s):.1f}), {median(one.processor for one in size.rounds):.2f} ms of processor; "
        f"by meaning {ten:.3f} of the best 10, {hundred:.3f} of the best 100",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, nargs="+", default=[100_000])
    parser.add_argument("--restricted", type=float, default=0.0)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sizes = [Size(passages, Path(folder) / str(passages)) for passages in chosen.passages]
        for size in sizes:
            size.data.mkdir()
        asyncio.run(measure(sizes, chosen.restricted, chosen.queries, chosen.rounds))


if __name__ == "__main__":
    main()
