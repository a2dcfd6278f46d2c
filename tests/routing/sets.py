"""Public sets of labelled messages that nobody here wrote, as (text, intent) pairs. Skips, saying so, where they are absent."""

import csv
import gzip
import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"
Pairs = list[tuple[str, str]]


def data(name: str) -> Path:
    if not (DATA / name).exists():
        pytest.skip(f"the public set {name} is not here ({DATA / name})")
    return DATA / name


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for text, label in pairs:
        groups.setdefault(label, []).append(text)
    return groups


def called(names: Iterable[str]) -> dict[str, str]:
    """Each intent's name in plain words, as an assistant file shows it to people."""
    return {name: re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").lower() for name in names}


def clinc150() -> dict[str, Pairs]:
    with gzip.open(data("clinc150") / "data_full.json.gz") as file:
        return {part: [(text, label) for text, label in pairs] for part, pairs in json.load(file).items()}


def domain(name: str) -> set[str]:
    return set(json.loads((data("clinc150") / "domains.json").read_text())[name])


def hwu64(part: str) -> Pairs:
    folder = data("hwu64") / part
    columns = [(folder / name).read_text("utf-8").splitlines() for name in ("seq.in", "label")]
    return list(zip(*columns, strict=True))


def hint3(part: str) -> Pairs:
    with (data("hint3") / "dataset" / "v2" / part / f"sofmattress_{part}.csv").open(encoding="utf-8") as file:
        return [(row["sentence"], row["label"]) for row in csv.DictReader(file)]


HINT3_OUTSIDE = "NO_NODES_DETECTED"


def natcs() -> Pairs:
    lines = (data("natcs_intents") / "development.jsonl").read_text("utf-8").splitlines()
    return [(row["utterance"], row["intent"]) for row in map(json.loads, lines)]


def folds(pairs: Pairs, count: int = 5) -> list[tuple[Pairs, Pairs]]:
    """(train, test), every `count`-th example of each intent tested in turn."""
    places: dict[str, int] = {}
    numbered = []
    for text, label in pairs:
        numbered.append((places.setdefault(label, 0) % count, (text, label)))
        places[label] += 1
    return [([p for fold, p in numbered if fold != n], [p for fold, p in numbered if fold == n]) for n in range(count)]
