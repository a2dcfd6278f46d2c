"""The data set: conversations of the log, scrubbed, checked, without duplicates, split by conversation into two files.

The folder holds `train.jsonl` and `validation.jsonl` (what a fine-tuning service takes), `provenance.jsonl` (a line for each
row: its lane and turns, so that erasing a person can name the rows) and `manifest.json`. It appears whole or not at all.
"""

import hashlib
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from core.errors import ConfigError, TurnoutError
from tuning.duplicates import Duplicates
from tuning.rows import Count, Row, problems, rows
from tuning.turns import Reading

MANIFEST = "manifest.json"
FORMAT = "openai-chat"
FILES = ("train", "validation")
FEW = 50
SERVICE_LEAST = 10
CONSENT = "consent is not recorded yet: make sure that you may use these conversations"


class NothingToLearn(TurnoutError):
    """The log holds no conversation that a data set could be made of."""


@dataclass(frozen=True, slots=True)
class Choices:
    """How a data set is made. `validation` is a share from 0 to 1, `max_tokens` the most of one row, `since` Unix seconds."""

    system: str
    model: str
    since: float = 0.0
    min_turns: int = 1
    validation: float = 0.1
    max_tokens: int = 16_384
    keep_personal_data: bool = False


@dataclass(slots=True)
class Dataset:
    """The rows of both files, and what became of everything that was read."""

    reading: Reading
    conversations: int = 0
    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in FILES})
    duplicates: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    scrubbed: Counter[str] = field(default_factory=Counter)
    too_few_turns: int = 0

    def all(self) -> Iterable[tuple[str, int, Row]]:
        """(file, line number from 1, row)."""
        return ((name, number, row) for name in FILES for number, row in enumerate(self.rows[name], 1))

    def tokens(self, name: str) -> int:
        return sum(row.tokens for row in self.rows[name])


def make(reading: Reading, choices: Choices, count: Count) -> Dataset:
    """Raises NothingToLearn, saying why, when no row is left."""
    made, seen = Dataset(reading), Duplicates()
    for conversation in reading.conversations:
        if len(conversation.turns) < choices.min_turns:
            made.too_few_turns += 1
            continue
        kept = 0
        for row in rows(
            conversation,
            system=choices.system,
            count=count,
            most=choices.max_tokens,
            keep_personal_data=choices.keep_personal_data,
        ):
            kept += _take(made, row, seen, choices)
        made.conversations += bool(kept)
    if not made.conversations:
        raise NothingToLearn(_why_nothing(made, choices))
    return made


def _take(made: Dataset, row: Row, seen: Duplicates, choices: Choices) -> bool:
    if wrong := problems(row.messages, row.tokens, choices.max_tokens):
        made.refused[wrong[0]] += 1
        return False
    if kind := seen.kind(row.words):
        made.duplicates[kind] += 1
        return False
    made.scrubbed.update(row.scrubbed)
    made.rows["validation" if _draw(row.lane) < choices.validation else "train"].append(row)
    return True


def _draw(lane: str) -> float:
    """A number from 0 to 1 that is always the same for a lane: all its conversations stand on one side of the split."""
    return int.from_bytes(hashlib.sha256(f"split:{lane}".encode()).digest()[:8]) / 2**64


def _why_nothing(made: Dataset, choices: Choices) -> str:
    if not made.reading.turns:
        return "the log holds no turns yet: talk to the assistant first" + (" (or move --since back)" if choices.since else "")
    reasons = made.reading.left_out + made.refused + Counter({"duplicate": made.duplicates.total()})
    if made.too_few_turns:
        reasons[f"conversation of fewer than {choices.min_turns} turns"] = made.too_few_turns
    told = ", ".join(f"{number} {why}" for why, number in reasons.most_common() if number)
    return f"of {made.reading.turns} turns none can be learned from: {told}"


def check_free(folder: Path, *, force: bool) -> None:
    """Raises ConfigError when `folder` holds something, unless that is a data set and `force` is given."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / MANIFEST).is_file():
        raise ConfigError(f"--out {folder} holds something that is no data set: name another folder")
    if not force:
        raise ConfigError(f"--out {folder} holds a data set already: name another folder, or add --force to replace it")


def write(made: Dataset, choices: Choices, folder: Path, *, force: bool) -> None:
    """Raises ConfigError where `check_free` does, and when the folder cannot be written."""
    check_free(folder, force=force)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as work:
            fresh = Path(work) / "fresh"
            fresh.mkdir()
            _fill(fresh, made, choices)
            if folder.exists():
                folder.rename(Path(work) / "old")
            fresh.rename(folder)
    except OSError as error:
        raise ConfigError(f"--out {folder} cannot be written ({error.strerror}): choose another folder") from None


def _fill(folder: Path, made: Dataset, choices: Choices) -> None:
    files: dict[str, dict[str, Any]] = {}
    for name in FILES:
        data = _lines({"messages": msgspec.to_builtins(row.messages)} for row in made.rows[name])
        (folder / f"{name}.jsonl").write_bytes(data)
        files[f"{name}.jsonl"] = {
            "rows": len(made.rows[name]),
            "tokens": made.tokens(name),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
    provenance = (
        {
            "file": f"{name}.jsonl",
            "line": number,
            "lane": row.lane,
            "turns": row.turns,
            "tracks": row.tracks,
            "tokens": row.tokens,
            "consent": "not recorded",
        }
        for name, number, row in made.all()
    )
    (folder / "provenance.jsonl").write_bytes(_lines(provenance))
    manifest = _manifest(made, choices) | {"files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", "utf-8")


def _manifest(made: Dataset, choices: Choices) -> dict[str, Any]:
    reading = made.reading
    return {
        "format": FORMAT,
        "made_at": time.time(),
        "turnout": version("turnout"),
        "settings": asdict(choices),
        "log": {"first": reading.first, "last": reading.last, "turns": reading.turns},
        "conversations": made.conversations,
        "left_out": dict(reading.left_out),
        "conversations_too_short": made.too_few_turns,
        "rows_refused": dict(made.refused),
        "duplicates": dict(made.duplicates),
        "scrubbed": "off" if choices.keep_personal_data else dict(made.scrubbed),
        "consent": CONSENT,
    }


def _lines(records: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


def summary(made: Dataset, choices: Choices, folder: Path) -> str:
    """What a person should know before training on it."""
    reading = made.reading
    lines = [
        f"read        {reading.turns} turns of the log (sequences {reading.first} to {reading.last})",
        f"written     {folder}: {made.conversations} conversations",
        *(f"  {name:<10}{len(made.rows[name])} rows, {made.tokens(name)} tokens" for name in FILES),
        f"left out    {_told(reading.left_out, 'turns')}",
        f"duplicates  {_told(made.duplicates, 'rows')} removed",
        f"refused     {_told(made.refused, 'rows')}",
    ]
    if made.too_few_turns:
        lines.append(f"too short   {made.too_few_turns} conversations of fewer than {choices.min_turns} turns")
    if choices.keep_personal_data:
        lines.append("scrubbed    nothing: --keep-personal-data")
    else:
        lines.append(
            f"scrubbed    {_told(made.scrubbed, 'marks')}; names and addresses are not recognised: look through the files"
        )
    return "\n".join([*lines, *(f"! {warning}" for warning in warnings(made))])


def warnings(made: Dataset) -> list[str]:
    found = [CONSENT]
    if made.conversations < FEW:
        found.append(f"{made.conversations} conversations are few: below {FEW} a tuned model mostly learns to repeat them")
    if len(made.rows["train"]) < SERVICE_LEAST:
        found.append(f"hosted fine-tuning takes no file of fewer than {SERVICE_LEAST} rows")
    if not made.rows["validation"]:
        found.append("validation.jsonl is empty: nothing will show whether training overfits")
    quoted = sum(turn.model == "extractive" for conversation in made.reading.conversations for turn in conversation.turns)
    if quoted:
        found.append(f"{quoted} answers are quotes of the built-in extractive model: a model trained on them learns to quote")
    return found


def _told(counts: Counter[str], what: str) -> str:
    if not counts.total():
        return f"0 {what}"
    return f"{counts.total()} {what} (" + ", ".join(f"{number} {why}" for why, number in counts.most_common()) + ")"
