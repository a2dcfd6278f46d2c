"""How fast a large index answers: the service over NATS, made passages and vectors, the question's vector for nothing.

`python -m tests.retrieval.scale [--passages 100000] [--restricted 0.0]`: latencies of hybrid searches one after another, and the
memory of the process that serves (this one; it also asks). `--restricted`: the share of passages that only `staff` may read,
while the question is everybody's, so that the engine has to filter.
"""

import argparse
import asyncio
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

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
from retrieval.splitting import Piece
from retrieval.stores.contract import Entry
from retrieval.vectors import EMBEDDER, FIELDS

SIZE, TOPICS, EACH = 384, 2000, 5
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
        payloads = [common | {"id": p.id, "text": p.text, "start": p.start, "end": p.end} for p in pieces]
        shard.stage([(rev, Entry(payload, tags, "en", {FIELDS[0]: next(vectors)})) for payload in payloads])
        row = Row(source, rev, source, "command", "hash", common["title"], "", EACH, 0.0, tags)
        document = LoadedDocument(source, common["title"], "\n\n".join(p.text for p in pieces))
        manifest.commit([Change(document, pieces, row)])
    index.close()


async def ask(data: Path, url: str, queries: int) -> list[float]:
    settings = load(TURNOUT_ASSISTANT=data / "assistant.toml", TURNOUT_DATA=data, NATS_URL=url, REDIS_URL="redis://unused")
    rng, vectors = random.Random(2), topics(2)
    Free.ready = [next(vectors) for _ in range(queries)]
    serving, took = asyncio.create_task(service.serve(settings)), []
    async with connect(url, name="scale") as bus:
        while not await ready(bus):
            await asyncio.sleep(0.5)
        for number in range(queries + 50):
            request = encode(SearchRequest(query=text(rng, 8)))
            started = time.perf_counter()
            result = decode(SearchResult, await bus.request("retrieval.search", request, timeout=30))
            took += [(time.perf_counter() - started) * 1000] if number >= 50 else []
            assert (len(result.passages), result.legs) == (6, ("lexical", "dense"))
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    return took


async def ready(bus) -> bool:
    try:
        return decode(Health, await bus.request("health.retrieval", b"", timeout=5)).ready
    except Unavailable:
        return False


async def measure(passages: int, restricted: float, queries: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        (data / "assistant.toml").write_text(ASSISTANT)
        started = time.perf_counter()
        fill(data / "index", passages, restricted)
        filled = time.perf_counter() - started
        async with embedded.servers(load(TURNOUT_DATA=data, NATS_URL="", REDIS_URL="")) as servers:
            cuts = quantiles(await ask(data, servers.nats_url, queries), n=100)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        figures = f"p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms, p99 {cuts[98]:.1f} ms"
        print(f"{passages} passages, {restricted:.0%} restricted: {figures}; {memory} MB at most; filled in {filled:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--restricted", type=float, default=0.0)
    parser.add_argument("--queries", type=int, default=500)
    chosen = parser.parse_args()
    asyncio.run(measure(chosen.passages, chosen.restricted, chosen.queries))


if __name__ == "__main__":
    main()
