"""Hostile files through the parsing process: `python -m tests.retrieval.hostile --files 1000 [--seed 7]`.

Prints what became of them and exits with 1 when one went without a name, when one that no reader may take was taken, or when a
good file was not read afterwards.
"""

import argparse
import asyncio
import resource
import tempfile
import time
from pathlib import Path

from tests.retrieval.hostile.run import Report, run


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--files", type=int, default=1000)
    options.add_argument("--seed", type=int, default=7)
    chosen = options.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report: Report = asyncio.run(run(Path(folder), chosen.seed, chosen.files))
    print(f"{chosen.files} files in {time.monotonic() - started:.0f} s, seed {chosen.seed}; {report.readers} reader processes")
    for outcome, times in report.outcomes.most_common():
        print(f"{times:6} {outcome}")
    print(f"slowest: {report.slowest[1]} with {report.slowest[0]:.1f} s")
    print(f"memory: this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB at most,", end=" ")
    print(f"the largest reader {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10} MiB")
    print(f"good files read in between: {report.good}")
    for line in report.wrong:
        print(f"WRONG {line}")
    return bool(report.wrong)


raise SystemExit(main())
