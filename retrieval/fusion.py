"""Fusion: two ranked legs become one list, by the weighted sum of their scores, each as a share of its leg's best.

Words count in full where the best passage by words holds most of the question's. Where it holds few of them, the question is
put in other words than the documents', and what it shares with a passage is chance.

A passage that shares no word with the question and whose vector is not near it is left out, so "nothing found" stays an
honest answer: every index has a nearest passage, even to a question about something else.
"""

from collections.abc import Callable, Hashable, Sequence, Set
from dataclasses import dataclass
from typing import TypeVar

from retrieval.embeddings import Embedder

Key = TypeVar("Key")

FLOOR = 0.3
MOST = 0.6
"""The share of the question's words from which on words count in full."""

BEST = 3
LIFT = 0.25


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each leg counts. `floor` is the cosine below which a passage that only the dense leg found is dropped; it falls
    with what words count, but one passage must reach it."""

    lexical: float = 0.4
    dense: float = 0.6
    floor: float = 0.0


def weights(embedder: Embedder | None, words: float | None = None) -> Weights:
    """The weights for an embedder; measured on training questions, see docs/decisions/005. `words`: the share of the words'
    score, where the owner has measured it."""
    if embedder is None:
        return Weights(dense=0.0)
    floor = FLOOR if embedder.languages else 0.0
    return Weights(floor=floor) if words is None else Weights(words, 1 - words, floor)


def fuse(
    lexical: Sequence[tuple[Key, float]],
    dense: Sequence[tuple[Key, float]],
    *,
    weights: Weights,
    bare: Set[Key] = frozenset(),
    held: float = 1.0,
) -> list[tuple[Key, float]]:
    """(passage, score), best first. `held`: the share of the question's words that the first of the lexical leg holds. Passages
    of `bare` have no vector yet; the dense leg counts for them what the lexical one does, so that a document added a moment ago
    is not outranked by all that were there before."""
    words, meaning = _shares(lexical), _shares(dense)
    least = min(meaning.values(), default=0.0)
    full = min(1.0, held / MOST)
    speaks = any(cosine >= weights.floor for _, cosine in dense)
    near = {key for key, cosine in dense if speaks and cosine >= full * weights.floor}

    def score(key: Key) -> float:
        known = full * words.get(key, 0.0)
        meant = known if key in bare else meaning.get(key, least)
        return weights.lexical * known + weights.dense * meant

    return sorted(((key, score(key)) for key in words.keys() | near), key=lambda item: item[1], reverse=True)


def lift(scored: Sequence[tuple[Key, float]], *, document: Callable[[Key], Hashable]) -> list[tuple[Key, float]]:
    """Each passage of a list, best first, counts mostly by itself, and a little by the best of its document: where several fit,
    the one that holds the answer is often the one that repeats the question least."""
    best: dict[Hashable, list[float]] = {}
    for key, score in scored:
        some = best.setdefault(document(key), [])
        if len(some) < BEST:
            some.append(score)
    means = {name: sum(some) / len(some) for name, some in best.items()}
    return sorted(
        ((key, (1 - LIFT) * score + LIFT * means[document(key)]) for key, score in scored),
        key=lambda item: item[1],
        reverse=True,
    )


def _shares(ranked: Sequence[tuple[Key, float]]) -> dict[Key, float]:
    best = max((score for _, score in ranked), default=0.0)
    return {key: score / best if best > 0 else 0.0 for key, score in ranked}
