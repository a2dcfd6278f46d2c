"""`python -m tests.simulation`: see the package."""

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from tests.simulation.careless import CARELESS
from tests.simulation.run import Report, run
from tests.simulation.spoken import aloud, quiet

CHUNK = 10


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("seed", nargs="?", type=int, help="live this one seed")
    parser.add_argument("--trace", action="store_true", help="tell every step of it")
    parser.add_argument("--seeds", type=int, default=2000, help="live so many seeds, until one fails")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first of them")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument(
        "--without", default="", help="faults left out, as tests.simulation.plan names them, with commas between"
    )
    parser.add_argument("--careless", choices=CARELESS, help="servers without a protection")
    parser.add_argument("--digests", action="store_true", help="one line a seed, with the digest of its whole history")
    parser.add_argument("--all", action="store_true", help="go on after a failure")
    options = parser.parse_args()
    live = partial(run, without=frozenset(filter(None, options.without.split(","))), twins=CARELESS.get(options.careless))
    if options.trace:
        aloud()
        live = partial(live, told=print)
    else:
        quiet()
    if options.seed is None:
        return _many(range(options.first, options.first + options.seeds), live, options)
    report = live(options.seed)
    print(_line(report))
    return _failed(report, options)


def _many(seeds: range, live: Callable[[int], Report], options: argparse.Namespace) -> int:
    started, total, faults, failed = time.monotonic(), Counter[str](), Counter[str](), 0
    slowest = virtual = 0.0
    for count, report in enumerate(_reports(seeds, live, options.processes), 1):
        total.update({name: getattr(report, name) for name in ("turns", "messages", "repeats", "honest", "dead", "excused")})
        faults.update(report.faults)
        slowest, virtual = max(slowest, report.slowest), virtual + report.seconds
        failed += _failed(report, options)
        if options.digests:
            print(_line(report))
        if report.wrong and not options.all:
            break
        if count % 1000 == 0:
            print(f"{count} seeds, {total['turns']} turns, {failed} failed, {time.monotonic() - started:.0f} s", flush=True)
    print(f"seeds {seeds.start} to {seeds.start + count - 1}: {failed} failed; {time.monotonic() - started:.1f} s")
    print(", ".join(f"{number} {name}" for name, number in total.items()))
    print(f"{sum(faults.values())} faults: " + ", ".join(f"{name} {number}" for name, number in sorted(faults.items())))
    print(f"{virtual / 3600:.1f} simulated hours; slowest recovery {slowest:.1f} s")
    return 1 if failed else 0


def _reports(seeds: Iterable[int], live: Callable[[int], Report], processes: int) -> Iterator[Report]:
    if processes == 1:
        yield from map(live, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(processes, quiet) as pool:
        yield from pool.imap(live, seeds, CHUNK)


def _failed(report: Report, options: argparse.Namespace) -> bool:
    if report.wrong:
        more = "".join(f" --{name} {getattr(options, name)}" for name in ("without", "careless") if getattr(options, name))
        print(f"seed {report.seed} FAILED; replay: python -m tests.simulation {report.seed} --trace{more}")
        print("\n".join(f"  {wrong}" for wrong in report.wrong), flush=True)
    return bool(report.wrong)


def _line(report: Report) -> str:
    faults = ", ".join(f"{name} {number}" for name, number in sorted(report.faults.items()))
    return (
        f"seed {report.seed}: {report.turns} turns, {report.messages} messages, {report.repeats} repeats, {report.honest} honest,"
        f" {report.seconds:.1f} virtual seconds, recovery {report.slowest:.1f} s, digest {report.digest}; faults: {faults or 'none'}"
    )


if __name__ == "__main__":
    sys.exit(main())
