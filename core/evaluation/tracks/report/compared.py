"""The tracks over everything that they were asked: how long one waits, and who notices that the world has changed."""

import math
from collections.abc import Iterator, Mapping

from core.evaluation.intervals import Figure
from core.evaluation.tracks.figures import figures, grouped
from core.evaluation.tracks.records import Run
from core.evaluation.tracks.report.charts import Axis, mark, point, ruler, sized, strip, tick, whisker
from core.evaluation.tracks.report.html import Html, el, joined, row, table
from core.evaluation.tracks.report.measures import Figures, head, measures, number
from core.evaluation.tracks.report.words import interval, lasting, round_seconds, seconds, share


def overall(run: Run) -> Figures:
    """Figures of each track over all intents, in the order of the run's tracks."""
    groups = grouped(run.cases, run.answered)
    asked = [track.name for track in run.tracks]
    pairs = {name: [pair for (_, track), some in groups.items() if track == name for pair in some] for name in asked}
    return {name: figures(some) for name, some in pairs.items() if some}


def side_by_side(run: Run, found: Figures) -> Iterator[Html]:
    yield el("h2", "The tracks side by side", id="tracks")
    yield el(
        "p",
        "All intents together, with 95 % intervals. Borne out: the share of what an answer states that its sources say."
        " Citations: the share that is allowed, there, and holds the words quoted. Abstention: answered what has an answer,"
        " declined the rest. Index made in: the work of reading, storing and embedding, with all changes since.",
    )
    heads = {name: head(run, name) for name in found}
    yield el("section", measures(found, heads, _building(run, found), title="All measures of each track"))


WITH_INDEX, TUNED = ("rag", "hybrid", "stronger"), ("tuned", "hybrid")
UNTOLD = "not recorded"


def _building(run: Run, found: Figures) -> Iterator[Html]:
    """What it took before the first turn: making the index, and training."""
    if not {*found} & {*WITH_INDEX, *TUNED}:
        return
    hours = {track.name: run.prices[track.model].hours for track in run.tracks if track.model in run.prices}
    index = lasting(run.indexed) if run.indexed else UNTOLD
    trained = {name: lasting(3600 * hours[name]) if hours.get(name) else UNTOLD for name in TUNED}
    yield row("Index made in", *(index if name in WITH_INDEX else "–" for name in found))
    yield row("Trained in", *(trained.get(name, "–") for name in found))
    yield from _training(run, found)


def _training(run: Run, found: Figures) -> Iterator[Html]:
    """What was paid before the first turn, and how many turns save that, each being cheaper than the dearest track's."""
    prices = {track.name: run.prices[track.model] for track in run.tracks if track.model in run.prices}
    costs = {name: found[name]["cost"].value for name in found if "cost" in found[name]}
    trained = {name: prices[name] for name in costs if name in prices and prices[name].training}
    if not trained:
        return
    dearest = max(costs, key=lambda name: costs[name])
    saved = {name: costs[dearest] - costs[name] + price.training / (price.turns or math.inf) for name, price in trained.items()}
    pays = {name: f"{math.ceil(price.training / saved[name]):,} turns" for name, price in trained.items() if saved[name] > 0}
    paid = {name: f"{price.training:g} {run.currency}" for name, price in trained.items()}
    yield row("Paid for training", *(paid.get(name, "–") for name in found))
    yield row(f"Paid off, beside {dearest}, after", *(pays.get(name, "–") for name in found))


def latency(run: Run, found: Figures) -> Iterator[Html]:
    known = {name: figures for name, figures in found.items() if "total_p50" in figures}
    if not known:
        return
    times = [figures[name].value for figures in known.values() for name in ("first_p50", "total_p95") if name in figures]
    axis = sized(times)
    names = ("", "First word", "Half are whole by", "Nineteen in twenty by")
    rows = [_waiting(run, name, figures, axis, names) for name, figures in known.items()]
    yield el("h2", "How long one waits", id="latency")
    yield el(
        "p",
        "Hollow: when half of the answers show their first word. Filled: when half are whole. The upright end: when nineteen in"
        " twenty are. Over all intents; the numbers in small are 95 % intervals.",
    )
    yield el(
        "section", table(("Track", ruler(axis, round_seconds), *names[1:]), rows, title="Latency by track", class_="strips")
    )


def _waiting(run: Run, name: str, figures: Mapping[str, Figure], axis: Axis, names: tuple[str, ...]) -> Html:
    own = number(run, name)
    first, half, most = (figures.get(which) for which in ("first_p50", "total_p50", "total_p95"))
    begin = first or half
    if begin is None or half is None or most is None:
        return row(_track(run, name), "", "–", "–", "–", names=names)
    told = f"{name}: half whole by {seconds(half.value)}, nineteen in twenty by {seconds(most.value)}"
    marks = [whisker(axis, begin.value, most.value, own), tick(axis, most.value, own), point(axis, half.value, own)]
    if first:
        marks.append(point(axis, first.value, own, hollow=True))
    return row(_track(run, name), strip(axis, told, *marks), *map(_timed, (first, half, most)), names=names)


def _timed(figure: Figure | None) -> str | Html:
    if figure is None:
        return "–"
    return joined((seconds(figure.value), el("small", interval("total_p50", figure))))


def freshness(run: Run, found: Figures) -> Iterator[Html]:
    yield el("h2", "Who notices a change", id="freshness")
    known = {name: figures["stale"] for name, figures in found.items() if "stale" in figures}
    if not known:
        yield el("p", "No document was changed in this run: give questions a ", el("code", "change"), " to see who notices.")
        return
    axis = Axis(0.0, 1.0)
    names = ("", "Still the old", "Interval", "Changes")
    rows = [_stale(run, name, figure, axis, names) for name, figure in known.items()]
    yield el(
        "p",
        "A document was changed and the question asked again: the share of answers that still told the old. Further left is"
        " fresher. How much that weighs depends on how soon an intent's truth changes.",
    )
    yield el(
        "section",
        table(
            ("Track", ruler(axis, share), *names[1:]), rows, title="Answers that were out of date, by track", class_="strips"
        ),
    )


def _stale(run: Run, name: str, figure: Figure, axis: Axis, names: tuple[str, ...]) -> Html:
    own, ends = number(run, name), interval("stale", figure)
    told = f"{name}: {share(figure.value)} still told the old, {ends}"
    picture = strip(axis, told, whisker(axis, figure.low, figure.high, own), point(axis, figure.value, own))
    return row(_track(run, name), picture, share(figure.value), ends, str(figure.n), names=names)


def _track(run: Run, name: str) -> Html:
    return joined((mark(number(run, name)), name))
