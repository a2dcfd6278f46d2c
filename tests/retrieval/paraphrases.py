"""Questions about the example shop that share no word with the passage that answers them: `python -m tests.retrieval.paraphrases`.

`paraphrases.tsv`: the document, words of the passage, the question. Words are compared as search compares them, stemmed and
without stop words. They were written before any of them was searched for.
"""

import csv
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from core.assistant import Knowledge
from core.knowledge import Passage, SearchRequest
from retrieval import embeddings, words
from retrieval.embeddings import Embedder
from retrieval.fusion import Weights, weights
from retrieval.index import Index, Setup
from retrieval.manifest import Row
from retrieval.readers import READERS, read
from retrieval.readers.contract import LoadedDocument
from retrieval.splitting import split
from retrieval.stores.contract import searched

SHOP = Path(__file__).parents[2] / "examples" / "shop" / "knowledge"
DEEP = 50


@dataclass(frozen=True)
class Paraphrase:
    source: str
    quote: str
    text: str

    def answered_by(self, passage: Passage) -> bool:
        return passage.source == self.source and self.quote in passage.text

    def shared(self, passage: Passage) -> set[int]:
        """Words of the question that search sees in a passage."""
        seen = searched({"title": passage.title, "heading": passage.heading, "text": passage.text})
        return {*words.query(self.text, "", ("en",)).indices} & {*words.document(seen, "en").indices}


def questions() -> list[Paraphrase]:
    with Path(__file__).with_suffix(".tsv").open(newline="", encoding="utf-8") as file:
        return [Paraphrase(*row) for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


def documents(names: Iterable[str] = ()) -> list[LoadedDocument]:
    """The shop's, of these names or all."""
    paths = [path for path in sorted(SHOP.iterdir()) if path.suffix in READERS and (not names or path.name in names)]
    extracts = {path.name: read(path) for path in paths}
    return [
        LoadedDocument(name, one.title, one.text, one.headings, one.pages, tables=one.tables) for name, one in extracts.items()
    ]


def fill(folder: Path, given: Sequence[LoadedDocument], embedder: Embedder | None) -> Index:
    index = Index(folder, Setup("en", embedder, weights(embedder)))
    for document in given:
        row = Row(document.source, 0, document.source, "command", "hash", document.title, "", 0, 0.0)
        index.put(document, split(document), row=row)
    while index.embed_some():
        pass
    return index


def places(index: Index, asked: Sequence[Paraphrase]) -> list[int]:
    """At which place, from 1, the first passage that answers each comes; 0 where none does."""
    found = [index.search(SearchRequest(query=one.text, k=DEEP, once=True)).passages for one in asked]
    return [
        next((place for place, passage in enumerate(passages, 1) if one.answered_by(passage)), 0)
        for one, passages in zip(asked, found, strict=True)
    ]


def recall(found: Sequence[int], k: int) -> float:
    return fmean(0 < place <= k for place in found)


def measured(index: Index, asked: Sequence[Paraphrase], embedder: Embedder | None) -> dict[str, list[int]]:
    """The places by words alone, by meaning alone, and by both."""
    found = {}
    for way, by in {"words": Weights(dense=0.0), "meaning": Weights(0.0, 1.0), "both": weights(embedder)}.items():
        index.use(Setup("en", embedder, by))
        found[way] = places(index, asked)
    return found


def main() -> None:
    embedder, asked = embeddings.find(Knowledge()), questions()
    with tempfile.TemporaryDirectory() as folder:
        index = fill(Path(folder), documents(), embedder)
        for way, found in measured(index, asked, embedder).items():
            mrr = fmean(1 / place if place else 0 for place in found)
            recalls = " / ".join(f"{recall(found, k):.3f}" for k in (1, 6, 10))
            print(f"{len(asked)} paraphrases, {way:8} recall@1 / 6 / 10 {recalls}, MRR {mrr:.3f}")
            for one, place in zip(asked, found, strict=True):
                if way == "both" and not 0 < place <= 6:
                    print(f"    {place or '-':>3} {one.text} ({one.source})")
        index.close()


if __name__ == "__main__":
    main()
