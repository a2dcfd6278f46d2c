"""Sources: which files the sources of this machine mean, whose a file is, and the name a document goes by.

The name is stable and says nothing of this machine: relative to the assistant file's folder where it lies below it, else
below the folder that was named. Two files never share one: a parent folder is put before the later one. A file below the
folders of several sources is of the one whose folder is nearest, so that a folder inside another may be marked differently.
"""

import glob
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.assistant import Knowledge, Source
from retrieval.kinds import ELSEWHERE
from retrieval.kinds.contract import meant
from retrieval.loaders import is_loader
from retrieval.records import Skipped

MADE_BY = "3"  # raise it when readers or splitting change, and every file is read again
EXPORT = "it is the export of a source: `turnout ingest refresh {}` takes it"
NOT_THERE = "there is no such file or folder"


@dataclass(slots=True)
class Found:
    """What paths mean: files with their names and their sources' names, the roots that were there, and of what was not,
    the source and the reason."""

    files: dict[Path, tuple[str, str]] = field(default_factory=dict)
    roots: list[Path] = field(default_factory=list)
    missing: dict[Path, tuple[str, str]] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)

    def covers(self, path: Path) -> bool:
        """Whether a path was looked for here, found or not."""
        return any(path == root or root in path.parents for root in self.roots)

    def lost(self, path: Path) -> bool:
        """Whether a path lies where nothing could be looked at."""
        return any(path == place or place in path.parents for place in self.missing)


class Owners:
    """Whose a file is."""

    def __init__(self, sources: Iterable[Source], base: Path) -> None:
        self._roots: dict[Path, list[Source]] = {}
        for source in sources:
            for root in expanded(source.at, base):
                self._roots.setdefault(root, []).append(source)

    def of(self, file: Path) -> Source | None:
        """The source with the nearest root that means this file; of two that share a root the one named later."""
        for root in (file, *file.parents):
            for source in reversed(self._roots.get(root, ())):
                if root == file or meant(source, file.relative_to(root).as_posix()):
                    return source
        return None


def every(knowledge: Knowledge) -> dict[str, Source]:
    """All sources of an assistant by their names. The short form, `paths`, goes by "", a loader there by its own name."""
    short = [Source.model_construct(name=path, kind="loader", at=path) for path in knowledge.paths if is_loader(path)]
    return {source.name: source for source in (*short, *knowledge.sources)}


def here(knowledge: Knowledge) -> list[Source]:
    """The sources of this machine's files, which are watched."""
    short = [folder(path) for path in knowledge.paths if not is_loader(path)]
    return [*short, *(source for source in knowledge.sources if source.kind not in ELSEWHERE)]


def folder(path: str) -> Source:
    """A path that somebody named, without more."""
    return Source.model_construct(name="", kind="folder", at=path)


def find(wanted: Iterable[Source], base: Path, known: Mapping[str, str], *, owners: Owners) -> Found:
    """Every file that the wanted sources mean, but for exports, which hold documents and are none. `known` has the names of
    files that have one already, by path."""
    found = Found()
    taken = {name for path, name in known.items() if Path(path).exists()}
    for source in wanted:
        places = expanded(source.at, base)
        found.missing |= {} if places else {Path(os.path.abspath(base / source.at)): (source.name, NOT_THERE)}
        found.roots += places
        for root, file in ((place, file) for place in places for file in _walk(place)):
            owner = owners.of(file)
            if owner and owner.kind != "folder":
                found.skipped += [Skipped(path=str(file), reason=EXPORT.format(owner.name))] if file == root else []
            elif not _is_utf8(file):
                found.skipped.append(Skipped(path=ascii(str(file)), reason="its name is not UTF-8: rename it"))
            elif file not in found.files:
                name = known.get(str(file)) or _name(file, base if base in file.parents else root.parent, taken)
                found.files[file] = (name, owner.name if owner else "")
                taken.add(name)
    found.skipped += [Skipped(path=str(path), reason=NOT_THERE) for path in found.missing]
    return found


def digest(path: Path) -> str:
    """What a file holds; raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def expanded(path: str, base: Path) -> list[Path]:
    """The files and folders that a path or pattern means; none where nothing is there."""
    place = Path(os.path.abspath(base / path))
    if place.exists():
        return [place]
    return [Path(match) for match in sorted(glob.glob(str(place), recursive=True))] if glob.has_magic(path) else []


def watched(source: Source, base: Path) -> Path:
    """What to watch for a source: its place, or the folder above the first pattern in it."""
    place = Path(os.path.abspath(base / source.at))
    while glob.has_magic(str(place)) and not place.exists():
        place = place.parent
    return place


def _walk(root: Path) -> Iterator[Path]:
    """Files in order of their names; hidden ones are not meant."""
    if root.is_file():
        yield root
        return
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(files) if not name.startswith("."))


def _is_utf8(file: Path) -> bool:
    try:
        return bool(str(file).encode())
    except UnicodeEncodeError:
        return False


def _name(file: Path, top: Path, taken: set[str]) -> str:
    name = file.relative_to(top).as_posix()
    while name in taken and top != top.parent:
        top = top.parent
        name = file.relative_to(top).as_posix()
    return name
