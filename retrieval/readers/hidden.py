"""What a document holds but does not show: taken out of the text, counted, and told to the document's owner.

Characters without width and those that turn the direction of writing can hide words from a person and show them to a program,
or split a word so that no search finds it. Soft hyphens and direction marks are taken out without a word: editors write them.
"""

import re
from collections import Counter

HIDDEN = "hidden text"
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\U000e0000-\U000e0fff]"
)
_SILENT = re.compile("[\u00ad\u200e\u200f\u061c]+")
_KINDS = (
    ("bidi controls", re.compile("[\u202a-\u202e\u2066-\u2069]+")),
    ("zero-width characters", re.compile("(?<![^\x00-\u024f])[\u200c\u200d]+")),  # elsewhere scripts and emoji need them
    (
        "zero-width characters",
        re.compile("[\u034f\u115f\u1160\u180e\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\U000e0000-\U000e0fff]+"),
    ),
)


class Hidden:
    """Counts what was hidden in one document."""

    def __init__(self) -> None:
        self._places: Counter[str] = Counter()

    def add(self, kind: str = HIDDEN, places: int = 1) -> None:
        self._places[kind] += places

    def strip(self, text: str) -> str:
        """The text as it shows."""
        if not _UNSEEN.search(text):
            return text
        text = _SILENT.sub("", text)
        for kind, pattern in _KINDS:
            text, places = pattern.subn("", text)
            if places:
                self.add(kind, places)
        return text

    def flags(self) -> tuple[str, ...]:
        """In a few words each, for the owner."""
        return tuple(f"{kind} ({n} {'place' if n == 1 else 'places'})" for kind, n in sorted(self._places.items()) if n)
