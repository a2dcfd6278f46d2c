"""Messages with the intent people gave them: JSON lines or CSV with `text` and `intent`, which is empty for out of scope, and
with `near` for what is out of scope but close to it."""

import csv
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from core.assistant import Assistant
from core.errors import ConfigError
from core.records import Record

OUTSIDE = ("", "out_of_scope", "oos")
"""What may stand for the intent of a message that is out of scope."""

NEAR = {"": False, "false": False, "0": False, "no": False, "true": True, "1": True, "yes": True}


class Labelled(Record, frozen=True):
    """`intent` is "" for what is out of scope; `line` is where it stands in its file. `near`: out of scope, but close to it."""

    text: str
    intent: str = ""
    line: int = 0
    near: bool = False


def read(path: Path, intents: Collection[str]) -> list[Labelled]:
    """Raises ConfigError, naming the line, for what is no labelled message or names an intent that the assistant has not."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"cannot read {path} ({error.strerror}): name a file of labelled messages") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}: save the file as UTF-8") from None
    rows = _csv(path, text) if path.suffix.lower() == ".csv" else _json_lines(path, text)
    found = [_labelled(path, line, row, intents) for line, row in rows]
    if not found:
        raise ConfigError(f"{path}: no message in it")
    return found


def calibration(assistant: Assistant, path: Path) -> list[Labelled]:
    """The messages that the assistant file at `path` is calibrated by; none where it names no file."""
    name = assistant.about.calibration
    return read(path.parent / name, {intent.name for intent in assistant.intents}) if name else []


def changed(assistant: Assistant, path: Path) -> float:
    """When the calibration file was last written, 0 where there is none."""
    try:
        return (path.parent / assistant.about.calibration).stat().st_mtime if assistant.about.calibration else 0.0
    except OSError:
        return 0.0


def _json_lines(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ConfigError(f"{path}:{number}: no JSON: {error}") from None
        if not isinstance(row, dict):
            raise ConfigError(f'{path}:{number}: must be an object such as {{"text": "…", "intent": "…"}}')
        yield number, row


def _csv(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = csv.DictReader(text.splitlines())
    if not {"text", "intent"} <= {*(rows.fieldnames or ())}:
        raise ConfigError(f"{path}:1: the first line must name the columns: text,intent")
    for row in rows:
        yield rows.line_num, row


def _labelled(path: Path, line: int, row: dict[str, Any], intents: Collection[str]) -> Labelled:
    text, intent = row.get("text") or row.get("question"), row.get("intent") or ""
    if not isinstance(text, str) or not text.strip() or not isinstance(intent, str):
        raise ConfigError(f"{path}:{line}: needs a `text` and an `intent`, both texts")
    near = NEAR.get(str(row.get("near") or "").strip().lower())
    if near is None:
        raise ConfigError(f"{path}:{line}: `near` is true or false")
    if intent.strip() in OUTSIDE:
        return Labelled(text.strip(), "", line, near)
    if near:
        raise ConfigError(f"{path}:{line}: only what is out of scope can be `near`, this is of {intent.strip()!r}")
    if intent.strip() not in intents:
        raise ConfigError(f'{path}:{line}: no intent is called {intent.strip()!r}; write "" for a message that is out of scope')
    return Labelled(text.strip(), intent.strip(), line)
