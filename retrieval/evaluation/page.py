"""The page of a run."""

from collections.abc import Iterator, Sequence
from html import escape

from core.evaluation import pages
from core.evaluation.pages import row, table, tile, tiles, when
from core.evaluation.pictures import bars, curve, dots, told
from retrieval.evaluation import abstention
from retrieval.evaluation.asking import Asked
from retrieval.evaluation.noise import KINDS
from retrieval.evaluation.runs import Change, Run, Slice, guarded

RANKS = 10
MISSES = 50


def page(run: Run, changes: Sequence[Change], compared: Run | None) -> str:
    return pages.page(f"Retrieval, {run.questions}", _sections(run, changes, compared))


def _sections(run: Run, changes: Sequence[Change], compared: Run | None) -> Iterator[str]:
    everything = run.slices[0]
    searched = run.searched
    yield (
        f"<h1>Retrieval</h1><p class='sub'>{escape(run.questions)} · {everything.questions} questions · {when(run.at)}<br>"
        f"{searched.documents} documents, {searched.passages} passages, searched by"
        f" {escape(searched.embedder or 'words alone')}; {run.k} passages an answer"
        + (f"; {searched.waiting} passages had no vector yet" if searched.waiting else "")
        + "</p>"
    )
    yield tiles(_tiles(everything))
    yield _changes(changes, compared)
    yield "<h2>Slice by slice</h2>"
    for name in guarded(run.k):
        rows = [(one.name, one.figures[name]) for one in run.slices if name in one.figures]
        if rows:
            yield f"<section><h3>{escape(name)}</h3>{dots(rows)}</section>"
    yield from _order(run)
    yield from _noise(run, everything)
    yield from _risk(run)
    yield from _times(run, everything)
    yield _table(run.slices)
    yield _misses(run)


def _tiles(everything: Slice) -> Iterator[str]:
    for name, figure in everything.figures.items():
        if name.startswith("recall, "):
            continue
        places = 1 if name.endswith("ms") else 3
        interval = f"{figure.low:.{places}f} to {figure.high:.{places}f} · n {figure.n}"
        yield tile(f"{figure.value:.{places}f}", name, interval)


def _changes(changes: Sequence[Change], compared: Run | None) -> str:
    if compared is None:
        return "<h2>Since the last run</h2><p>There is no earlier run of these questions.</p>"
    rows = (
        row(
            "td",
            (
                change.slice,
                change.measure,
                f"{change.before:.3f}",
                f"{change.after:.3f}",
                f"{change.by.value:+.3f} ({change.by.low:+.3f} to {change.by.high:+.3f})",
                str(change.by.n),
                "worse" if change.worse else "",
            ),
            mark="worse" if change.worse else "",
        )
        for change in changes
        if change.slice == "all" or change.worse or change.by.value
    )
    head = ("slice", "measure", "before", "now", "difference, interval", "n", "")
    return f"<h2>Since the last run ({when(compared.at)})</h2>{table(head, rows)}"


def _order(run: Run) -> Iterator[str]:
    ranks = [one.marks.rank for one in run.asked if one.marks]
    if ranks:
        counts = [(str(place), ranks.count(place)) for place in range(1, RANKS + 1)]
        yield "<h2>Where the first right thing stands</h2><section>"
        yield bars([*counts, ("not there", ranks.count(0))]) + "</section>"


def _noise(run: Run, everything: Slice) -> Iterator[str]:
    names = [f"recall, {name}" for name in KINDS]
    rows = [(name.removeprefix("recall, "), everything.figures[name]) for name in names if name in everything.figures]
    if rows:
        yield "<h2>Badly written</h2><p>Recall of the same questions misspelt, as keywords, and wrapped in small talk.</p>"
        yield f"<section>{dots([('as written', everything.figures[f'recall@{run.k}']), *rows])}</section>"


def _risk(run: Run) -> Iterator[str]:
    points = abstention.curve(run.asked)
    area, best = abstention.area(points), abstention.best(run.asked)
    yield (
        "<h2>Answering or not</h2><p>Across: the share of all questions answered, surest first. Up: the share of"
        f" those for which nothing right was found."
        f" Mean risk {area:.3f}; the least possible with these results is {best:.3f}.</p>"
    )
    yield f"<section>{curve(points, f'risk {points[-1][1]:.1%}' if points else '')}</section>"


def _times(run: Run, everything: Slice) -> Iterator[str]:
    times = [one.ms for one in run.asked]
    edges = [1, 2, 5, 10, 20, 50, 100, 200, 500]
    counts = [(f"≤ {edge}", sum(low < ms <= edge for ms in times)) for low, edge in zip([0, *edges], edges, strict=False)]
    yield f"<h2>Milliseconds to an answer of the search</h2><p>p50 {told(everything.figures['p50 ms'])}, p95 "
    yield f"{told(everything.figures['p95 ms'])}; over the bus, with the question's own vector.</p>"
    yield f"<section>{bars([*counts, ('more', sum(ms > edges[-1] for ms in times))])}</section>"


def _table(slices: Sequence[Slice]) -> str:
    names = list(dict.fromkeys(name for one in slices for name in one.figures))
    rows = (
        row(
            "td",
            (
                one.name,
                str(one.questions),
                *(f"{one.figures[name].value:.3f}" if name in one.figures else "" for name in names),
            ),
        )
        for one in slices
    )
    return f"<h2>All figures</h2>{table(('slice', 'n', *names), rows)}"


def _misses(run: Run) -> str:
    """The questions to look at first."""
    wrong = sorted((one for one in run.asked if _missed(one)), key=lambda one: one.marks.recall if one.marks else -1.0)
    rows = (
        row(
            "td",
            (
                one.question.question,
                ", ".join((*one.question.sources, *one.question.quotes)) or "nothing",
                ", ".join(one.found) or "nothing",
                f"{one.marks.recall:.2f}" if one.marks else "",
            ),
        )
        for one in wrong[:MISSES]
    )
    head = ("question", "wanted", "found", "recall")
    more = f" The first {MISSES} of {len(wrong)}." if len(wrong) > MISSES else ""
    told = f"<p>{len(wrong)} questions that did not get all they need.{more}</p>"
    return f"<h2>To look at</h2>{told}{table(head, rows)}"


def _missed(one: Asked) -> bool:
    return one.marks.recall < 1 if one.marks else one.returned
