"""The points that are armed, as files that a test and the processes of its system share.

Whoever comes first to a point takes its file and dies, so it happens once, with the supervisor of `turnout up` to start the
process again, and many points take their turn in one running system. A process may also be held at a point, while something
else is done to it or to the world.
"""

import os
from dataclasses import dataclass
from pathlib import Path

DIE, HOLD = "die", "hold"


@dataclass(frozen=True)
class Armed:
    """The points of a system, seen from the test and from its processes."""

    folder: Path

    @property
    def to_come(self) -> Path:
        return self.folder / "armed"

    @property
    def over(self) -> Path:
        return self.folder / "died"

    def arm(self, point: str, *about: str) -> None:
        """Die there, when it concerns one of `about` (a lane, a chat, a token; none: whatever it concerns)."""
        self._order(point, DIE, *about)

    def hold(self, point: str, *about: str) -> None:
        """Stand still there until `go`; what else the process does goes on."""
        self._order(point, HOLD, *about)

    def go(self, point: str) -> None:
        (self.over / point).unlink()

    def pid(self, point: str) -> int:
        """Who came there; 0: nobody yet."""
        try:
            return int((self.over / point).read_text())
        except FileNotFoundError:
            return 0

    def died(self, point: str) -> bool:
        """Whether a process came there and is gone, its connections with it."""
        pid = self.pid(point)
        try:
            return pid > 0 and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
        except FileNotFoundError:
            return True

    def _order(self, point: str, *lines: str) -> None:
        (self.over / point).unlink(missing_ok=True)
        half = self.folder / f"{point}.new"
        half.write_text("\n".join(lines))
        half.rename(self.to_come / point)

    def taken(self, point: str, what: object) -> str:
        """What to do here: nothing, mostly. The order is taken by whoever comes first."""
        mine = self.folder / f"{point}.{os.getpid()}"
        try:
            order, *about = (self.to_come / point).read_text().splitlines()
            if about and not any(one in repr(what) for one in about):
                return ""
            (self.to_come / point).rename(mine)
        except FileNotFoundError:  # no order, or a replica was there first
            return ""
        mine.write_text(str(os.getpid()))
        mine.rename(self.over / point)
        return order
