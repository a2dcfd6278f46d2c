"""The index on the given sets, through the code that serves: `python -m tests.retrieval.bench [scifact xquad mtrag]`.

nDCG@10 and recall@10 of documents by words alone, by meaning alone and by both; for MTRAG also how well `confidence` tells
answerable questions from unanswerable ones. What was chosen by questions was chosen on SciFact's training questions and on one
half of MTRAG's conversations (`chosen`); the other half is reported apart (`kept aside`).
"""

import argparse
import random
import tempfile
import time
from collections.abc import Iterable, Sequence
from math import log2
from pathlib import Path
from statistics import fmean

from core.assistant import Knowledge
from core.knowledge import SearchRequest
from retrieval import embeddings
from retrieval.fusion import Weights, weights
from retrieval.index import Index, Setup
from retrieval.manifest import Row
from retrieval.splitting import split
from tests.retrieval import sets
from tests.retrieval.sets import Question, Set

K, DEEP = 10, 50


def fill(folder: Path, given: Set, setup: Setup) -> Index:
    index = Index(folder, setup)
    for document in given.documents:
        row = Row(document.source, 0, f"/{document.source}", "command", "hash", document.title, "", 0, 0.0)
        index.put(document, split(document), row=row)
    while index.embed_some():
        pass
    return index


def request(question: Question) -> SearchRequest:
    """As the core asks."""
    return SearchRequest(query=question.turns[-1], before=question.before, earlier=question.earlier, k=DEEP)


def ndcg(found: Sequence[str], right: frozenset[str]) -> float:
    gained = sum(1 / log2(2 + place) for place, name in enumerate(found[:K]) if name in right)
    return gained / sum(1 / log2(2 + place) for place in range(min(K, len(right))))


def recall(found: Sequence[str], right: frozenset[str]) -> float:
    return len(right & set(found[:K])) / len(right)


def ranked(index: Index, question: Question) -> list[str]:
    return list(dict.fromkeys(passage.source for passage in index.search(request(question)).passages))


def halves(questions: Iterable[Question]) -> frozenset[str]:
    """The conversations that things were chosen on."""
    groups = sorted({question.group for question in questions})
    random.Random(0).shuffle(groups)
    return frozenset(groups[::2])


def measure(given: Set, folder: Path) -> None:
    embedder = embeddings.find(Knowledge())
    index = fill(folder, given, Setup(given.language, embedder, weights(embedder)))
    chosen = halves(given.questions + given.unanswerable)
    parts = {"all": given.questions}
    if given.unanswerable:
        parts |= {"chosen": [q for q in given.questions if q.group in chosen]}
        parts |= {"kept aside": [q for q in given.questions if q.group not in chosen]}
    ways = {"words": Weights(dense=0.0), "meaning": Weights(0.0, 1.0), "both": weights(embedder)}
    for way, by in ways.items():
        index.use(Setup(given.language, embedder, by))
        found = {question.id: ranked(index, question) for question in given.questions}
        for part, questions in parts.items():
            figures = [fmean(rule(found[q.id], q.right) for q in questions) for rule in (ndcg, recall)]
            print(f"{given.name:14} {part:10} {len(questions):5} {way:8} {figures[0]:.3f} / {figures[1]:.3f}", flush=True)
    if given.unanswerable:
        told(index, given, chosen)
    index.close()


def told(index: Index, given: Set, chosen: frozenset[str]) -> None:
    for part, inside in (("chosen", True), ("kept aside", False)):
        yes, no = (
            [index.search(request(question)).confidence for question in questions if (question.group in chosen) is inside]
            for questions in (given.questions, given.unanswerable)
        )
        area = fmean((one > other) + (one == other) / 2 for one in yes for other in no)
        kept, refused = fmean(one >= 0.3 for one in yes), fmean(one < 0.3 for one in no)
        print(
            f"{given.name:14} {part:10} AUROC {area:.3f}; at .3 {kept:.3f} of {len(yes)} kept, {refused:.3f} of {len(no)} refused"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["scifact", "xquad", "mtrag"])
    loaders = {"scifact": lambda: [sets.scifact()], "xquad": lambda: map(sets.xquad, sets.XQUAD)}
    loaders["mtrag"] = lambda: map(sets.mtrag, sets.MTRAG)
    for name in parser.parse_args().names:
        for given in loaders[name]():
            started = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder:
                measure(given, Path(folder))
            print(f"{given.name:14} {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
