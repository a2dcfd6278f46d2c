"""The page: one HTML file that needs nothing else, from what to do down to what was checked."""

from collections.abc import Iterator

from core.evaluation import pages
from core.evaluation.tracks.records import Run
from core.evaluation.tracks.report import appendix, compared, decided, evidence, headline, intents, routing
from core.evaluation.tracks.report.html import Html, el
from core.evaluation.tracks.report.policies import totals

PARTS = {
    "decisions": "Decisions",
    "changes": "What it changes",
    "tracks": "Side by side",
    "latency": "Waiting",
    "freshness": "Freshness",
    "intents": "Intent by intent",
    "router": "The router",
    "evidence": "What it rests on",
    "limits": "What it cannot tell",
    "weights": "Weights and prices",
    "judges": "Judges",
    "versions": "Versions",
    "checks": "Checks",
}


def page(run: Run) -> str:
    """Of a run with its checks."""
    return pages.page(f"Tracks, {run.assistant}", _sections(run), also="report.css")


def _sections(run: Run) -> Iterator[Html]:
    found, tracks = totals(run), compared.overall(run)
    yield from headline.top(run, found)
    shown = [(name, told) for name, told in PARTS.items() if name != "changes" or found]
    yield el("nav", *(el("a", told, href=f"#{name}") for name, told in shown), aria_label="Parts of this report")
    yield from decided.decisions(run)
    if found:
        yield from headline.compared(run, found)
    yield from compared.side_by_side(run, tracks)
    yield from compared.latency(run, tracks)
    yield from compared.freshness(run, tracks)
    yield from intents.intents(run)
    yield from routing.router(run)
    yield from evidence.evidence(run)
    yield from evidence.limits(run)
    yield from appendix.weights(run)
    yield from appendix.judges(run)
    yield from appendix.versions(run)
    yield from appendix.checked(run)
