"""Every measure of every track, side by side: a column a track, so that the eye goes along what it compares."""

from collections.abc import Iterable, Mapping, Sequence

from core.evaluation.intervals import Figure
from core.evaluation.tracks.records import Run
from core.evaluation.tracks.report.charts import Spot, front, mark, plot
from core.evaluation.tracks.report.html import Html, el, joined, row, table
from core.evaluation.tracks.report.words import MEASURES, count, interval, listed, measured, round_money, round_seconds, share

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
    spoken = any(one.name == track and one.filed for one in run.tracks)
    filed = (
        [el("small", f"from a file, {count(sum(one.track == track for one in run.answered), 'question')}")] if spoken else []
    )
    return joined((mark(number(run, track)), track, *filed, *notes))


def taking(run: Run) -> str:
    """What quality is held against: money, or time where nothing costs any."""
    return "cost" if any(one.cost for one in run.answered) else "total_p95"


def quality_against(run: Run, spots: Sequence[Spot]) -> Html:
    money = taking(run) == "cost"
    what = (
        f"{run.currency} for 1,000 turns" if money else "the time that nineteen in twenty answers take; nothing costs anything"
    )
    told = f"Quality against {what}. On the front: {listed([spot.name.partition(' (')[0] for spot in front(spots)]) or 'none'}."
    picture = plot(spots, told, across=round_money if money else round_seconds, up=share, less="cheaper" if money else "sooner")
    return el("figure", picture, el("figcaption", told))


def _cell(name: str, figure: Figure | None) -> str | Html:
    return joined((measured(name, figure.value), el("small", interval(name, figure)))) if figure else "–"
