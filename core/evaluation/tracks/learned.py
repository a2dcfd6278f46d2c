"""What a tuned model learned from, as prints: enough to see whether it was asked in the test what it had been told before.

A question's print is the same whatever its case, punctuation and order of words. Conversations are known by their lane.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from core.errors import ConfigError
from core.evaluation.tracks.records import Case
from core.scrub import scrub

TAUGHT, PROVENANCE = "train.jsonl", "provenance.jsonl"
_WORD = re.compile(r"\w+")


def of_question(text: str) -> str:
    """Data sets are scrubbed of personal data, so questions are before they are compared."""
    return _short("question " + " ".join(sorted({*_WORD.findall(scrub(text)[0].casefold())})))


def of_talk(lane: str) -> str:
    return _short(f"talk {lane}")


def met(case: Case, known: frozenset[str]) -> bool:
    """Whether the case, or the conversation it is from, was learned."""
    return of_question(case.question) in known or (bool(case.group) and of_talk(case.group) in known)


def learned(folder: Path) -> tuple[str, ...]:
    """Of a data set as `turnout tune dataset` makes it, or `train.jsonl` alone in the same form: the prints of every question
    and conversation that was trained on. Raises ConfigError, naming the file, where there is none."""
    taught = {of_question(text) for row in _rows(folder / TAUGHT) for text in _questions(row)}
    from_ = folder / PROVENANCE
    talks = {of_talk(str(row.get("lane"))) for row in _rows(from_) if row.get("file") == TAUGHT} if from_.exists() else set()
    return tuple(sorted(taught | talks))


def _questions(row: dict[str, Any]) -> Iterable[str]:
    return (str(message.get("content")) for message in row.get("messages", ()) if message.get("role") == "user")


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}): name a folder that `turnout tune dataset` made") from None
    for number, line in enumerate(lines, 1):
        try:
            yield dict(json.loads(line))
        except (ValueError, TypeError):
            raise ConfigError(f"{path}, line {number} is no JSON object: make the data set anew") from None


def _short(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:16]
