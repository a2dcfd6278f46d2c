"""Reads an assistant file; of a wrong one every wrong key, with its line and what would be right."""

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from core import toml_lines
from core.assistant.tables import Assistant, Misfit, meant
from core.errors import ConfigError
from core.toml_lines import Place


def read(path: Path) -> Assistant:
    """The assistant file at a path; a byte order mark is forgiven."""
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise ConfigError(f"TURNOUT_ASSISTANT: cannot read {path} ({error.strerror}): name an assistant file") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}: save the file as UTF-8") from None
    try:
        return Assistant.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_unreadable(path, text, str(error))) from None
    except ValidationError as error:
        found = toml_lines.lines(text)
        items = error.errors()
        telling = [item for item in items if not any(_within(other["loc"], item["loc"]) for other in items)]
        raise ConfigError("\n".join([_explain(path, found, item) for item in telling])) from None


PLAIN = {
    "tuple_type": 'must be a list, for example ["a", "b"]',
    "string_type": "must be a text in quotes",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "string_pattern_mismatch": "may hold only small letters, digits and _, and begins with a letter",
    "string_too_short": "must not be empty",
    "too_short": "must not be an empty list",
}


def _unreadable(path: Path, text: str, message: str) -> str:
    """What is no TOML, with the line it stands in."""
    lines = text.splitlines() or [""]
    at = re.search(r" \(at line (\d+), column \d+\)$", message)
    number = min(int(at[1]), len(lines)) if at else len(lines)
    return f"{path}:{number}: {re.sub(r' .at [^()]*.$', '', message)}: {lines[number - 1].strip()[:80]}"


def _explain(path: Path, found: dict[Place, int], item: ErrorDetails) -> str:
    """`FILE:LINE: key: what is wrong`, list positions counted from 1 for people."""
    place: Place = item["loc"]
    message = PLAIN.get(item["type"], item["msg"].replace("Input should be", "must be"))
    if isinstance(misfit := item.get("ctx", {}).get("error"), Misfit):
        place, message = misfit.place, str(misfit)
    elif item["type"] == "missing":
        message = "is missing" + (' (the smallest file is [assistant] with name and default_route = ["prompt"])' * (not found))
    elif item["type"] == "extra_forbidden":
        message = f"unknown key{meant(str(place[-1]), _keys(place[:-1]))}"
    name = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
    return f"{path}:{toml_lines.nearest(found, place)}: {name}: {message}"


def _within(place: Place, table: Place) -> bool:
    """A list that is "too short" because its items are wrong needs no line of its own."""
    return len(place) > len(table) and place[: len(table)] == table


def _keys(place: Place) -> set[str]:
    """The keys that may stand in the table at a place."""
    model: Any = Assistant
    for step in place:
        for name, field in model.model_fields.items():
            if step == (field.alias or name):
                inside = (field.annotation, *get_args(field.annotation))
                model = next((a for a in inside if isinstance(a, type) and issubclass(a, BaseModel)), model)
                break
    return {field.alias or name for name, field in model.model_fields.items()}
