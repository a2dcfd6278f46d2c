"""Every measure of every track, side by side: a column a track, so that the eye goes along what it compares."""

from collections.abc import Iterable, Mapping

from core.evaluation.intervals import Figure
from core.evaluation.tracks.records import Run
from core.evaluation.tracks.report.charts import mark
from core.evaluation.tracks.report.html import Html, el, joined, row, table
from core.evaluation.tracks.report.words import MEASURES, interval, measured

Figures = Mapping[str, Mapping[str, Figure]]
"""By track, by measure."""


def number(run: Run, track: str) -> int:
    """Which shape and colour is the track's."""
    return [one.name for one in run.tracks].index(track)


def measures(
    found: Figures, heads: Mapping[str, Html], rows: Iterable[Html] = (), *, title: str, only: Iterable[str] = MEASURES
) -> Html:
    """`heads`: what stands over a track's column; `rows` follow those of the figures."""
    names = [name for name in only if any(name in figures for figures in found.values())]
    shown = (row(MEASURES[name], *(_cell(name, figures.get(name)) for figures in found.values())) for name in names)
    return table(("", *(heads[track] for track in found)), (*shown, *rows), title=title, class_="measures")


def head(run: Run, track: str, *notes: Html) -> Html:
    return joined((mark(number(run, track)), track, *notes))


def _cell(name: str, figure: Figure | None) -> str | Html:
    return joined((measured(name, figure.value), el("small", interval(name, figure)))) if figure else "–"
