"""What the decisions rest on: how many questions, whose, in how many conversations; and what no figure of this report tells."""

from collections import Counter
from collections.abc import Iterator, Sequence

from core.evaluation.tracks.available import asked
from core.evaluation.tracks.deciding import filed
from core.evaluation.tracks.figures import grouped
from core.evaluation.tracks.records import Case, Run
from core.evaluation.tracks.report import standing
from core.evaluation.tracks.report.charts import Axis, bar, ruler, strip
from core.evaluation.tracks.report.html import Html, el, row, table
from core.evaluation.tracks.report.words import count, listed, named, share

KINDS = {"written": "written by people", "log": "from the log", "generated": "made up by a model"}


def evidence(run: Run) -> Iterator[Html]:
    cases: dict[str, dict[str, Case]] = {}
    for (intent, _), pairs in grouped(run.cases, run.answered).items():
        cases.setdefault(intent, {}).update({case.id: case for case, _ in pairs})
    if not cases:
        return
    axis = Axis(0.0, float(max(run.rules.cases * 1.1, *(len(some) for some in cases.values()))))
    names = ("", "Real", "Made up", "Conversations or documents")
    legend = [part for kind, told in KINDS.items() for part in (el("span", class_=f"swatch {kind}"), f" {told} ")]
    yield el("h2", "What it rests on", id="evidence")
    yield el(
        "p",
        f"The questions of each intent. At least {run.rules.cases} real ones are needed (the upright line): made-up questions"
        " count, but never decide alone. Questions of one conversation, or on one document, share their luck: intervals count"
        " conversations.",
    )
    rows = [_rests(run, intent, [*some.values()], axis, names) for intent, some in sorted(cases.items())]
    head = ("Intent", ruler(axis, lambda value: f"{value:.0f}"), *names[1:])
    legend_line = el("p", *legend, class_="legend")
    yield el("section", legend_line, table(head, rows, title="Questions by intent and where they are from", class_="strips"))


def _rests(run: Run, intent: str, cases: Sequence[Case], axis: Axis, names: Sequence[str]) -> Html:
    kinds = Counter[str](case.kind for case in cases)
    parts, start = [], axis.at(0.0)
    for kind in KINDS:
        width = axis.at(float(kinds[kind])) - axis.at(0.0)
        parts.append(bar(start, width, kind))
        start += width
    real = sum(case.real for case in cases)
    least = f"{axis.at(float(run.rules.cases)):.2f}%"
    line = el("line", x1=least, x2=least, y1=0, y2=24, class_="nought")
    told = f"{named(intent)}: " + ", ".join(f"{kinds[kind]} {words}" for kind, words in KINDS.items())
    clusters = len({case.cluster for case in cases})
    mark = "" if real >= run.rules.cases else " (too few)"
    return row(
        named(intent), strip(axis, told, *parts, line), f"{real}{mark}", str(len(cases) - real), str(clusters), names=names
    )


def limits(run: Run) -> Iterator[Html]:
    yield el("h2", "What this report cannot tell", id="limits")
    yield el("ul", *(el("li", sentence) for sentence in _sentences(run)), class_="plain")


def _sentences(run: Run) -> Iterator[str]:
    made, clusters = sum(not case.real for case in run.cases), len({case.cluster for case in run.cases})
    part = share(made / len(run.cases) if run.cases else 0.0)
    yield f"{count(len(run.cases), 'question')} in {clusters:,} conversations or documents; {part} of them made up by a model."
    yield "Totals weigh intents as the questions do, not as people ask: where the mix differs, so do the sums."
    yield "What the proposed routes gain is told on the questions that chose them, so it is a little too good; a canary shows."
    yield "Times are of this machine, with questions asked side by side; costs are tokens times the prices below."
    if unpriced := sorted({track.model for track in asked(run.tracks) if track.model and track.model not in run.prices}):
        yield f"Nobody says what {listed(unpriced)} costs: it counts as nothing."
    if untold := standing.untold(run):
        yield f"Nobody says what {listed(untold)} learned from: whether it was tested with what it had been told is not known."
    if assumed := [track.name for track in run.tracks if track.assumed]:
        yield f"Nothing was measured of {listed(assumed)}: what it costs and takes is the owner's assumption."
    if insiders := sum(bool(case.audience) for case in run.cases):
        names = listed(sorted({name for case in run.cases for name in case.audience}))
        told = f"{count(insiders, 'question')} asked as somebody of {names}"
        yield f"{told}: words of documents that not everyone may read stand in this report."
    if read := sorted(filed(run)):
        yield (
            f"Nobody asked {listed(read)}: the answers, and how long they took, are as a file tells them. No route leads there;"
            " what a person would find with these documents, or on another day, is not known."
        )
    if not any(judge.decides for judge in run.judges):
        yield "Answers are marked by their words against the facts expected: one that is right in other words counts as wrong."
    if failed := sum(one.outcome == "failed" for one in run.answered):
        yield f"{count(failed, 'question')} got no answer at all; they count as wrong."
