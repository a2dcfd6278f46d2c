"""Each hostile file goes through the parsing process, and a good one after every ten."""

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from retrieval import parsing
from retrieval.parsing import Parser, parser
from retrieval.readers.contract import Unreadable
from tests.retrieval import files as good
from tests.retrieval.hostile.files import Hostile, hostile


@dataclass
class Report:
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    readers: int = 0
    good: int = 0


async def run(folder: Path, seed: int, count: int) -> Report:
    report, started = Report(), parsing._start

    def counted():
        report.readers += 1
        return started()

    parsing._start = counted
    try:
        async with parser() as reading:
            for number, file in enumerate(hostile(seed, count)):
                await _take(reading, folder, file, report)
                if number % 10 == 9:
                    await _good(reading, folder, tuple(good.MADE)[number // 10 % len(good.MADE)], report)
    finally:
        parsing._start = started
    return report


async def _take(reading: Parser, folder: Path, file: Hostile, report: Report) -> None:
    path, started = folder / file.name, time.monotonic()
    path.write_bytes(file.data)
    try:
        await reading.parse(path, file.name)
        outcome = "read"
        if file.refused:
            report.wrong.append(f"{file.name} was read")
    except Unreadable as error:
        outcome = type(error).__name__
        if not str(error):
            report.wrong.append(f"{file.name}: {outcome} without a reason")
    except Exception as error:  # noqa: BLE001  # whatever comes is a finding
        outcome = "failed"
        report.wrong.append(f"{file.name}: {type(error).__name__} {error}")
    finally:
        path.unlink()
    report.outcomes[outcome] += 1
    report.slowest = max(report.slowest, (time.monotonic() - started, file.name))


async def _good(reading: Parser, folder: Path, suffix: str, report: Report) -> None:
    path = folder / f"good{suffix}"
    path.write_bytes(good.MADE[suffix]())
    document, _ = await reading.parse(path, path.name)
    if good.SAID in document.text:
        report.good += 1
    else:
        report.wrong.append(f"a good {suffix} was not read as it should after a hostile file")
