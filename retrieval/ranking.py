"""Ranking: from a request to the passages that fit it best, and how probable it is that one of them answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any
from uuid import UUID

import msgspec
import structlog

from core.knowledge import Passage, SearchRequest, Tags
from retrieval import words
from retrieval.confidence import confidence, held
from retrieval.fusion import Weights, fuse, lift
from retrieval.reranking import Score, reordered
from retrieval.scope import Scope
from retrieval.stores.contract import SPOKEN, Asked, Legs, Store, revision, searched
from retrieval.vectors import Vectors

LEG = 100
LONGEST_QUERY = 2000
EARLIER = 0.25
"""How much the vector of what was said before counts, where a question is understood alone."""

MANY = 30
"""Passages that a reranker sees."""

log = structlog.get_logger("retrieval.ranking")


@dataclass(frozen=True, slots=True)
class Best:
    passages: tuple[Passage, ...]
    confidence: float
    legs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """`language` is the assistant's, `weights` those for words alone; `all_vectors`: no passage waits for its vector."""

    shard: Store
    vectors: Vectors
    language: str
    weights: Weights
    all_vectors: bool
    reranker: Score | None = None

    def best(self, request: SearchRequest, scope: Scope) -> Best:
        """Of what lies in the scope."""
        for _ in range(2):  # where other vectors took their place meanwhile, it is asked again with those
            asked, weights, known = self._asked(request, scope)
            best = self._best(asked, request, weights, known)
            if asked.vector is None or self.vectors.serving is None or self.vectors.serving.field == asked.field:
                break
        return best

    def _asked(self, request: SearchRequest, scope: Scope) -> tuple[Asked, Weights, bool]:
        """Also whether its cosines are on the scale that confidence knows."""
        query, before, earlier = (text[:LONGEST_QUERY] for text in (request.query, request.before, request.earlier))
        other = f"{before}\n{query}" if before else earlier
        texts = [query, other] if other else [query]
        found = [self.vectors.query(text, lambda: words.spoken(query, self.language, tag=request.language)) for text in texts]
        space, vectors = found[-1][0], [vector for _, vector in found if vector is not None]
        vector = _between(vectors, 1.0 if before else EARLIER) if len(vectors) == len(texts) else None
        field = space.field if space else ""
        asked = Asked(query, before or earlier, vector, scope, field, alone=not before)
        return asked, space.weights if space else self.weights, bool(space and space.embedder.languages)

    def _best(self, asked: Asked, request: SearchRequest, weights: Weights, known: bool) -> Best:
        for _ in range(3):  # a document replaced between ranking and reading is ranked again
            legs = self.shard.search(asked, LEG, all_vectors=self.all_vectors)
            fused = fuse(legs.lexical, legs.dense, weights=weights, bare=legs.bare, held=self._held(asked, legs))
            ranked = lift(fused, document=revision)[: max(2 * request.k, MANY if self.reranker else 0)]
            payloads = self.shard.payloads([point for point, _ in ranked])
            if len(payloads) == len(ranked):
                break
        found = [_passage(payload, score) for payload, (_, score) in zip(payloads, ranked, strict=False)]
        found = _once(found) if request.once else found
        sure = _sure(asked, legs, ranked[0][0], payloads[0], known) if payloads else 0.0
        again, leg = self._reranked(asked, found)
        return Best(tuple(again[: request.k]), sure, ("lexical", *(() if asked.vector is None else ("dense",)), *leg))

    def _held(self, asked: Asked, legs: Legs) -> float:
        """How much of the question's own words the best passage by words holds; all, where nothing else is to be had."""
        first = self.shard.payloads([point for point, _ in legs.lexical[:1]]) if legs.dense else []
        return held(asked.query, "", searched(first[0]), first[0][SPOKEN]) if first else 1.0

    def _reranked(self, asked: Asked, passages: list[Passage]) -> tuple[list[Passage], tuple[str, ...]]:
        """The passages in the reranker's order, with scores that still fall, and what became of it."""
        if self.reranker is None or not passages:
            return passages, ()
        try:
            question = f"{asked.meant}\n{asked.query}".strip()
            order = reordered(self.reranker, question, [_shown(passage) for passage in passages])
        except Exception as error:  # noqa: BLE001  # anybody's reranker: the order stays
            log.warning("the reranker failed, the order stays", kind=type(error).__name__, reason=str(error))
            return passages, ("reranker failed",)
        scores = [passage.score for passage in passages]
        moved = [msgspec.structs.replace(passages[place], score=score) for place, score in zip(order, scores, strict=True)]
        return moved, ("reranked",)


def _sure(asked: Asked, legs: Legs, first: UUID, payload: Any, known: bool) -> float:
    text = f"{searched(payload)}\n{msgspec.convert(payload['tags'], Tags).said}"
    share = held(asked.query, asked.meant, text, payload[SPOKEN])
    if not known or asked.vector is None or first in legs.bare:
        return confidence(share, None)
    cosines = dict(legs.dense)
    return confidence(share, cosines.get(first, min(cosines.values(), default=0.0)))


def _between(vectors: Sequence[Sequence[float]], weight: float) -> list[float] | None:
    """The direction between two, however long they are, where the second counts so much; of one, itself."""
    if len(vectors) < 2:
        return list(vectors[0]) if vectors else None
    first, second = (sqrt(sum(part * part for part in vector)) or 1.0 for vector in vectors)
    return [one / first + weight * other / second for one, other in zip(*vectors, strict=True)]


def _once(passages: Sequence[Passage]) -> list[Passage]:
    """Of those with the same words, the best."""
    kept: dict[str, Passage] = {}
    for passage in passages:
        kept.setdefault(passage.text, passage)
    return list(kept.values())


def _shown(passage: Passage) -> str:
    return "\n".join(part for part in (passage.title, passage.heading, passage.text) if part)


def _passage(payload: Any, score: float) -> Passage:
    return msgspec.structs.replace(msgspec.convert(payload, Passage), score=round(score, 6))
