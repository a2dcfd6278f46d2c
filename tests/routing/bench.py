"""The router on public sets: `python -m tests.routing.bench [words] [embeddings] [SET…]` prints every figure of docs/routing.md.

Thresholds come from validation parts; test parts are only measured. Vectors are kept under TURNOUT_BENCH (default: a folder of
the temporary directory), for embedding the sets takes a quarter of an hour.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from core.dialog.routing.classifier import Classifier, Guess
from core.evaluation.intents.measuring import area
from tests.routing import sets
from tests.routing.sets import Pairs, called, grouped

CACHE = Path(os.environ.get("TURNOUT_BENCH") or Path(tempfile.gettempdir()) / "turnout-bench")
AT_ONCE = 200


class Vectors(dict):
    """Texts' vectors by the local MiniLM, kept on disk."""

    def want(self, texts: Sequence[str]) -> "Vectors":
        missing = list(dict.fromkeys(text for text in texts if text not in self))
        path = CACHE / f"{sha256(chr(0).join(missing).encode()).hexdigest()}.npy"
        if missing:
            self.update(zip(missing, np.load(path) if path.exists() else embedded(missing, path), strict=True))
        return self


def embedded(texts: list[str], path: Path) -> np.ndarray:
    from retrieval.embeddings.minilm import MiniLM

    model, rows = MiniLM(), []
    for start in range(0, len(texts), AT_ONCE):
        rows.append(model.encode(texts[start : start + AT_ONCE]))
        print(f"\rembedded {start}/{len(texts)}", end="", file=sys.stderr)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.concatenate(rows))
    return np.concatenate(rows)


class Trained:
    """A classifier as the router trains it, asked many texts."""

    def __init__(self, train: Pairs, vectors: Vectors | None, *, named: bool = True) -> None:
        examples = grouped(train)
        names = called(examples) if named else None
        self.vectors = vectors
        if vectors is not None:
            vectors.want([text for text, _ in train] + list((names or {}).values()))
        started = time.perf_counter()
        self.classifier = Classifier(examples, names, vectors)
        self.seconds = time.perf_counter() - started

    def __call__(self, pairs: Pairs) -> list[Guess]:
        texts = [text for text, _ in pairs]
        if self.vectors is None:
            return [self.classifier(text) for text in texts]
        self.vectors.want(texts)
        return [self.classifier(text, self.vectors[text]) for text in texts]


def accuracy(guesses: Sequence[Guess], pairs: Pairs) -> float:
    return float(np.mean([guess.ranked[0][0] == label for guess, (_, label) in zip(guesses, pairs, strict=True)]))


def looks(guesses: Sequence[Guess]) -> np.ndarray:
    return np.array([guess.scope for guess in guesses])


def calibration_error(guesses: Sequence[Guess], pairs: Pairs, bins: int = 10) -> float:
    sure = np.array([guess.ranked[0][1] for guess in guesses])
    right = np.array([guess.ranked[0][0] == label for guess, (_, label) in zip(guesses, pairs, strict=True)])
    at = np.minimum((sure * bins).astype(int), bins - 1)
    return float(
        sum(abs(sure[at == n].mean() - right[at == n].mean()) * (at == n).mean() for n in range(bins) if (at == n).any())
    )


def clinc(vectors: Vectors | None) -> None:
    parts = sets.clinc150()
    trained = Trained(parts["train"], vectors)
    inside, outside, validation = (trained(parts[name]) for name in ("test", "oos_test", "val"))
    scope, strange = looks(inside), looks(outside)
    kept95 = np.quantile(scope, 0.05)
    limit = np.quantile(looks(validation), 0.05)
    told(
        "CLINC150 in scope", accuracy(inside, parts["test"]) * 100, "(validation", accuracy(validation, parts["val"]) * 100, ")"
    )
    told("CLINC150 AUROC, refused at 95 % kept", area(scope, strange), (strange < kept95).mean() * 100)
    told("CLINC150 at the validation limit: refused, kept", (strange < limit).mean() * 100, (scope >= limit).mean() * 100)
    told("CLINC150 validation AUROC", area(looks(validation), looks(trained(parts["oos_val"] + parts["oos_train"]))))
    told("CLINC150 calibration error", calibration_error(inside, parts["test"]) * 100, "trained in", trained.seconds, "s")
    latency(trained, parts["test"])


def banking(vectors: Vectors | None) -> None:
    parts, mine = sets.clinc150(), sets.domain("banking")
    train = [(text, name) for name, texts in grouped(parts["train"]).items() if name in mine for text in texts[:20]]
    trained = Trained(train, vectors)
    limit = np.quantile(looks(trained([pair for pair in parts["val"] if pair[1] in mine])), 0.05)
    inside = [pair for pair in parts["test"] if pair[1] in mine]
    near = [pair for pair in parts["test"] if pair[1] not in mine][::9]
    told("CLINC150 banking, 20 each: right", accuracy(trained(inside), inside) * 100)
    told(
        "… kept, refused of out of scope, of other domains",
        *((looks(trained(p)) >= limit).mean() * 100 for p in (inside,)),
        *((looks(trained(p)) < limit).mean() * 100 for p in (parts["oos_test"], near)),
    )


def hwu(vectors: Vectors | None) -> None:
    for part in ("train", "train_10", "train_5"):
        for named in (True, False):
            trained = Trained(sets.hwu64(part), vectors, named=named)
            test, valid = (accuracy(trained(sets.hwu64(p)), sets.hwu64(p)) * 100 for p in ("test", "valid"))
            told(f"HWU64 {part}{'' if named else ', without the names'}", test, "(validation", valid, ")")


def hint3(vectors: Vectors | None) -> None:
    test = sets.hint3("test")
    inside = [pair for pair in test if pair[1] != sets.HINT3_OUTSIDE]
    outside = [pair for pair in test if pair[1] == sets.HINT3_OUTSIDE]
    for named in (True, False):
        trained = Trained(sets.hint3("train"), vectors, named=named)
        found = trained(inside)
        told(
            f"HINT3 in scope, AUROC{'' if named else ', without the names'}",
            accuracy(found, inside),
            area(looks(found), looks(trained(outside))),
        )
    crossed("HINT3 training part", sets.hint3("train"), vectors)


def natcs(vectors: Vectors | None) -> None:
    crossed("NatCS", sets.natcs(), vectors)


def crossed(name: str, pairs: Pairs, vectors: Vectors | None) -> None:
    for named in (True, False):
        rights = [accuracy(Trained(train, vectors, named=named)(test), test) * len(test) for train, test in sets.folds(pairs)]
        told(f"{name}, 5-fold{'' if named else ', without the names'}", sum(rights) / len(pairs) * 100)


def latency(trained: Trained, pairs: Pairs) -> None:
    times = []
    for text, _ in pairs[:500]:
        vector = None if trained.vectors is None else trained.vectors[text]
        started = time.perf_counter()
        trained.classifier(text, vector)
        times.append((time.perf_counter() - started) * 1000)
    told("ms a message, median and p95, without embedding", *np.quantile(times, [0.5, 0.95]))


def told(what: str, *figures: object) -> None:
    shown = (
        f"{one:.3f}" if isinstance(one, float) and one < 1 else f"{one:.2f}" if isinstance(one, float) else str(one)
        for one in figures
    )
    print(f"{what:60}", *shown, flush=True)


SETS: dict[str, Callable[[Vectors | None], None]] = {
    "hint3": hint3,
    "natcs": natcs,
    "hwu": hwu,
    "banking": banking,
    "clinc": clinc,
}
PATHS: dict[str, Callable[[], Vectors | None]] = {"words": lambda: None, "embeddings": Vectors}

if __name__ == "__main__":
    wanted = sys.argv[1:]
    for path in [one for one in wanted if one in PATHS] or PATHS:
        print(f"── {path}")
        vectors = PATHS[path]()
        for name in [one for one in wanted if one in SETS] or SETS:
            SETS[name](vectors)
