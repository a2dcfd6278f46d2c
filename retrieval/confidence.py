"""How probable it is that the best passage answers: how near it is in meaning, and how many of the question's words it holds.

Fitted by logistic regression, both outcomes counting alike, on one half of MTRAG's conversations (answerable and unanswerable
questions on two domains) and checked on the other: see docs/measurements.md. The cosine is all-MiniLM-L6-v2's; another
embedder's has another scale, so there the words alone are asked.
"""

import math

from retrieval import words

NEAR, HELD, BASE = 5.86, 5.27, -5.42
HELD_ALONE, BASE_ALONE = 6.16, -3.44


def confidence(held: float, cosine: float | None) -> float:
    """`held`: the share of the question's words that the best passage holds; `cosine`: None where there is none to trust."""
    odds = HELD_ALONE * held + BASE_ALONE if cosine is None else NEAR * cosine + HELD * held + BASE
    return round(1 / (1 + math.exp(-odds)), 4)


def held(query: str, before: str, passage: str, language: str) -> float:
    """The share of a question's words that a passage in this language holds; those said before count half."""
    asked = words.query(query, before, (language,))
    there = set(words.document(passage, language).indices)
    weights = dict(zip(asked.indices, asked.values, strict=True))
    new = [index for index, weight in weights.items() if weight > words.BEFORE]
    shares = [sum(index in there for index in some) / len(some) for some in (new, [*weights]) if some]
    return sum(shares) / len(shares) if shares else 0.0
