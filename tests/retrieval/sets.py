"""The given sets (shared/data) as documents, questions and what is right: read here, measured by `tests.retrieval.bench`."""

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.dialog.routing import said_before, said_earlier
from core.memory import Conversation, Exchange
from retrieval.readers.contract import LoadedDocument

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data"
MTRAG = ("cloud", "clapnq")
XQUAD = ("en", "de", "es")


@dataclass(frozen=True)
class Question:
    """`turns` are what the user said, the question last; `right` the documents that answer; `group` stays together in a split."""

    id: str
    turns: tuple[str, ...]
    right: frozenset[str]
    group: str = ""

    @property
    def before(self) -> str:
        """What the core would search for with the last turn."""
        return said_before(self.turns[-1], self._conversation)

    @property
    def earlier(self) -> str:
        return said_earlier(self.turns[-1], self._conversation)

    @property
    def _conversation(self) -> Conversation:
        exchanges = tuple(Exchange(turn="", asked=turn, answered="", tokens=0) for turn in self.turns[:-1])
        return Conversation(lane="", exchanges=exchanges)


@dataclass(frozen=True)
class Set:
    name: str
    language: str
    documents: list[LoadedDocument]
    questions: list[Question]
    unanswerable: list[Question] = field(default_factory=list)


def scifact() -> Set:
    documents = [
        LoadedDocument(row["_id"], row["title"], row["text"])
        for row in _lines(DATA / "scifact" / "corpus.jsonl.gz")
        if row["text"]
    ]
    right: dict[str, set[str]] = {}
    for query, document, grade in _judged(DATA / "scifact" / "qrels.train.tsv"):
        if grade > 0:
            right.setdefault(query, set()).add(document)
    texts = {row["_id"]: row["text"] for row in _lines(DATA / "scifact" / "queries.train.jsonl")}
    questions = [Question(name, (texts[name],), frozenset(documents), name) for name, documents in right.items()]
    return Set("scifact train", "en", documents, questions)


def xquad(language: str) -> Set:
    content = json.loads(gzip.decompress((DATA / "xquad" / f"xquad.{language}.json.gz").read_bytes()))
    documents, questions = [], []
    for article in content["data"]:
        for paragraph in article["paragraphs"]:
            name = f"{len(documents)}"
            documents.append(LoadedDocument(name, "", paragraph["context"]))
            questions += [Question(qa["id"], (qa["question"],), frozenset((name,)), name) for qa in paragraph["qas"]]
    return Set(f"xquad {language}", language, documents, questions)


def mtrag(domain: str) -> Set:
    """Questions whose right passages are all in the pool, and those that nothing in any corpus answers."""
    folder = DATA / "mtrag" / domain
    documents = [_passage(row["_id"], row["text"]) for row in _lines(folder / "pool.jsonl.gz")]
    pool = {document.source for document in documents}
    right: dict[str, set[str]] = {}
    for kind in ("human", "un"):
        for query, document, grade in _judged(folder / f"{kind}_qrels.tsv"):
            if grade > 0:
                right.setdefault(query, set()).add(document)
    tasks = list(_lines(folder / "un_tasks.jsonl.gz"))
    asked = [(row["_id"], tuple(_said(row["text"]))) for row in _lines(folder / "human_questions.jsonl")]
    asked += [(task["task_id"], _asked(task)) for task in tasks]
    questions = [Question(n, turns, frozenset(right[n]), _talk(n)) for n, turns in asked if right.get(n, {""}) <= pool]
    never = [task["task_id"] for task in tasks if task["answerability"] == ["UNANSWERABLE"]]
    unanswerable = [Question(n, turns, frozenset(), _talk(n)) for n, turns in asked if n in never]
    return Set(f"mtrag {domain}", "en", documents, questions, unanswerable)


def _passage(name: str, text: str) -> LoadedDocument:
    first, _, rest = text.partition("\n")
    return (
        LoadedDocument(name, first.strip(), rest) if first.strip() and rest.strip() else LoadedDocument(name, "", text.strip())
    )


def _talk(name: str) -> str:
    return name.split("<")[0]


def _asked(task: dict[str, list[dict[str, str]]]) -> tuple[str, ...]:
    return tuple(turn["text"] for turn in task["input"] if turn["speaker"] == "user")


def _said(text: str) -> Iterator[str]:
    return (turn.strip() for turn in text.split("|user|:") if turn.strip())


def _lines(path: Path) -> Iterator[dict]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return map(json.loads, data.decode().splitlines())


def _judged(path: Path) -> Iterator[tuple[str, str, int]]:
    with path.open() as file:
        for row in csv.DictReader(file, delimiter="\t"):
            query, document, grade = row.values()
            yield query, document, int(grade)
