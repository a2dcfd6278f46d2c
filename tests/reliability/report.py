"""What a soak has to tell besides the verdict: how soon it recovered from each fault, and what its processes weigh."""

import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from core.bus_nats.streams import DUPLICATES
from tests.reliability.history import Record, Said, Shown
from tests.reliability.oracle import MARK

WARM = {"nats-server": DUPLICATES + 120.0}  # it holds the ids of so many seconds
LEAST_WARM = 60.0
HOUR = 3600.0


@dataclass(frozen=True)
class Happened:
    """A fault that was done, from `begun` to `ended`."""

    name: str
    begun: float
    ended: float


def answers(history: Iterable[Record]) -> Iterator[tuple[float, float]]:
    """(asked, answered) of every question that was answered whole: when it was accepted, when its last piece was first shown."""
    asked: dict[str, float] = {}
    pieces: dict[str, set[int]] = defaultdict(set)
    whole: dict[str, float] = {}
    for record in history:
        if isinstance(record, Said) and record.accepted:
            asked[record.token] = record.at
        elif isinstance(record, Shown) and not record.growing:
            for token, place, of in MARK.findall(record.text):
                pieces[token].add(int(place))
                if len(pieces[token]) == int(of):
                    whole.setdefault(token, record.at)
    yield from ((at, whole[token]) for token, at in asked.items() if token in whole)


def recoveries(history: Iterable[Record], faults: Iterable[Happened]) -> dict[str, list[float]]:
    """Fault → the longest wait after each time it was done: of the answers that came after its end and before the next fault
    began, each counted from that end or from its question, whichever was later."""
    line = sorted(faults, key=lambda fault: fault.ended)
    ends, worst = [fault.ended for fault in line], [0.0] * len(line)
    for asked, answered in answers(history):
        place = bisect.bisect_right(ends, answered) - 1
        if place >= 0:
            worst[place] = max(worst[place], answered - max(asked, ends[place]))
    found: dict[str, list[float]] = defaultdict(list)
    for fault, wait in zip(line, worst, strict=True):
        found[fault.name].append(wait)
    return dict(found)


@dataclass
class Scales:
    """The weight of processes over time, in KB of resident memory, by name and process id."""

    weights: dict[tuple[str, int], list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))

    def weigh(self, pids: dict[str, int], now: float) -> None:
        for name, pid in pids.items():
            if kilobytes := _resident(pid):
                self.weights[name, pid].append((now, kilobytes))

    def growth(self) -> dict[str, tuple[float, float, int]]:
        """Name → (growth in % an hour, minutes it was seen for, KB at the end), of the process of that name that lived longest:
        from a fifth of its life, at the earliest when it is warm, to the end; medians of three weights."""
        found: dict[str, tuple[float, float, int]] = {}
        for (name, _), line in self.weights.items():
            (first, _), (last, _) = line[0], line[-1]
            warm = [weight for weight in line if weight[0] >= first + max(WARM.get(name, LEAST_WARM), (last - first) / 5)]
            if len(warm) < 6:
                continue
            seconds = warm[-1][0] - warm[0][0]
            before, after = (median(weight for _, weight in part) for part in (warm[:3], warm[-3:]))
            if seconds / 60 > found.get(name, (0.0, 0.0, 0))[1]:
                found[name] = (after / before - 1) * 100 * HOUR / seconds, seconds / 60, int(after)
        return found


def _resident(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)


def table(found: dict[str, list[float]]) -> Iterator[str]:
    """A line for each kind of fault, the slowest recovery first."""
    for name, waits in sorted(found.items(), key=lambda item: -max(item[1])):
        yield f"  {name:<32} {len(waits):>4} ×   median {median(waits):5.1f} s   slowest {max(waits):5.1f} s"
