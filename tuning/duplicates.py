"""What is there twice: the same text but for case, punctuation and numbers of blanks, or nearly the same words.

Near duplicates share at least `ALIKE` of their shingles (runs of three words). Candidates come from MinHash signatures in
bands, so ten thousand rows take seconds, not the square of that; each candidate is then compared in full.
"""

import hashlib
import re
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

ALIKE = 0.8
SHINGLE = 3
BANDS, DEEP = 20, 4
_WORD = re.compile(r"\w+")
_random = np.random.default_rng(20260101)
_FACTORS = _random.integers(1, 2**63, size=(BANDS * DEEP, 1), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_OFFSETS = _random.integers(0, 2**63, size=(BANDS * DEEP, 1), dtype=np.uint64)

Shingles = NDArray[np.uint32]


class Duplicates:
    """Remembers every text it was shown that was new."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._kept: list[Shingles] = []
        self._bands: dict[tuple[int, bytes], list[int]] = defaultdict(list)

    def kind(self, text: str) -> str:
        """`exact`, `near`, or "" for a text unlike any before, which is remembered from now on."""
        words = _WORD.findall(text.casefold())
        normal = hashlib.sha256(" ".join(words).encode()).digest()
        if normal in self._seen:
            return "exact"
        self._seen.add(normal)
        shingles = _shingles(words)
        bands = _signature(shingles)
        candidates = {number for band in bands for number in self._bands.get(band, ())}
        if any(_likeness(shingles, self._kept[number]) >= ALIKE for number in candidates):
            return "near"
        for band in bands:
            self._bands[band].append(len(self._kept))
        self._kept.append(shingles)
        return ""


def _shingles(words: list[str]) -> Shingles:
    runs = {" ".join(words[at : at + SHINGLE]) for at in range(max(len(words) - SHINGLE + 1, 1))}
    hashes = {int.from_bytes(hashlib.blake2b(run.encode(), digest_size=4).digest()) for run in runs}
    return np.array(sorted(hashes), dtype=np.uint32)


def _signature(shingles: Shingles) -> list[tuple[int, bytes]]:
    least = ((_FACTORS * shingles.astype(np.uint64) + _OFFSETS) >> np.uint64(32)).min(axis=1)
    return [(band, least[band * DEEP : (band + 1) * DEEP].tobytes()) for band in range(BANDS)]


def _likeness(one: Shingles, other: Shingles) -> float:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)
