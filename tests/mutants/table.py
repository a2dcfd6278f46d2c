"""The protections, each with its removal: what a careless refactoring would leave out, and which tests ought to notice it.

One TOML table a protection, in `table/`: its name, what it `protects`, the `file`, the `old` text (it stands there once) and the
`new` one, and in `noticed` the tests: pytest's names of them, or commands that begin with `python`.
"""

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).parent / "table"


class Stale(Exception):
    """The code has moved on and the table has not."""


@dataclass(frozen=True)
class Mutant:
    name: str
    protects: str
    file: str
    old: str
    new: str
    noticed: tuple[str, ...]

    @property
    def tests(self) -> tuple[str, ...]:
        return tuple(test for test in self.noticed if not test.startswith("python "))

    @property
    def commands(self) -> tuple[str, ...]:
        return tuple(test for test in self.noticed if test.startswith("python "))

    def text(self, root: Path) -> str:
        """The file without its protection. Raises Stale where that does not stand there exactly once."""
        text = (root / self.file).read_text("utf-8")
        if (times := text.count(self.old)) != 1:
            raise Stale(f"{self.name}: the old text stands {times} times in {self.file}, not once")
        changed = text.replace(self.old, self.new)
        if self.file.endswith(".py"):
            compile(changed, self.file, "exec")  # else every test would fail, and prove nothing
        return changed

    def missing(self, root: Path) -> list[str]:
        """The tests that are named and are not there."""
        return [test for test in self.tests if not _stands(root, test)]


def _stands(root: Path, test: str) -> bool:
    file, _, name = test.partition("::")
    function = name.partition("[")[0]
    path = root / file
    return path.is_file() and bool(not name or re.search(rf"def {re.escape(function)}\(", path.read_text("utf-8")))


def read(folder: Path = TABLE) -> list[Mutant]:
    found = []
    for path in sorted(folder.glob("*.toml")):
        for name, entry in tomllib.loads(path.read_text("utf-8")).items():
            found.append(Mutant(name, **entry | {"noticed": tuple(entry["noticed"])}))
    names = [mutant.name for mutant in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise Stale(f"named twice: {', '.join(sorted(twice))}")
    return found


def chosen(mutants: Iterable[Mutant], names: Sequence[str]) -> list[Mutant]:
    """Those that are named, or all whose name begins like that; without names all."""
    mutants = list(mutants)
    known = {mutant.name for mutant in mutants}
    beginnings = tuple(name for name in names if name not in known)
    return [mutant for mutant in mutants if not names or mutant.name in names or mutant.name.startswith(beginnings)]
