"""A channel to start from: one file with a platform that calls us and that we call, its test with a double, and payloads.

`turnout channel new NAME` writes it. The files call themselves mychat; `write` gives them the name that is wanted.
"""

import keyword
import re
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
FILES = {
    "channel.py.txt": "{}.py",
    "test_channel.py.txt": "test_{}.py",
    "payloads/message.json.txt": "payloads/message.json",
    "payloads/echo.json.txt": "payloads/echo.json",
}
NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


def write(name: str, folder: Path) -> list[Path]:
    """The files written. Raises ValueError for a name that no channel can have, OSError where one of the files exists."""
    if reason := unfit(name):
        raise ValueError(f"{name!r} {reason}")
    files = {folder / target.format(name): HERE / source for source, target in FILES.items()}
    for path in files:
        if path.exists():
            raise FileExistsError(17, "exists already and is not overwritten: choose another name or folder", str(path))
    for path, source in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(named(source.read_text("utf-8"), name), "utf-8")
    return list(files)


def unfit(name: str) -> str:
    """Why a channel cannot be called so; "" when it can. It names a module, subjects on the bus and a path on the web."""
    if not NAME.fullmatch(name):
        return "is no name for a channel: small letters, digits and _, a letter first, at most 32"
    if keyword.iskeyword(name):
        return "is a word of Python: choose another name"
    if find_spec(name) is not None or name in ("telegram", "slack", "console", "web", "v1"):
        return "is the name of something else here, which it would hide: choose another"
    return ""


def class_of(name: str) -> str:
    return f"{_camel(name)}Channel"


def named(text: str, name: str) -> str:
    return text.replace("mychat", name).replace("Mychat", _camel(name)).replace("MYCHAT", name.upper())


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
