"""Intent by intent: quality against cost, every measure of every track, and the questions on which they differ most."""

from collections.abc import Iterator, Mapping, Sequence

from core.evaluation.tracks.deciding import in_force
from core.evaluation.tracks.figures import Groups, grouped
from core.evaluation.tracks.records import Answered, Case, Decision, Run, Side
from core.evaluation.tracks.report.charts import Spot
from core.evaluation.tracks.report.decided import anchor, badge, move
from core.evaluation.tracks.report.html import Html, el, row, table
from core.evaluation.tracks.report.measures import head, measures, number, quality_against, taking
from core.evaluation.tracks.report.words import FIRST, MEASURES, SWITCHES, named, said, share

SHOWN, LETTERS = 2, 320
REST = tuple(name for name in MEASURES if name not in FIRST)


def intents(run: Run) -> Iterator[Html]:
    yield el("h2", "Intent by intent", id="intents")
    yield el(
        "p",
        "Up is better, left is cheaper; bars are 95 % intervals. The dashed line joins the tracks that no other beats in both"
        " (the Pareto front). A hollow mark breaks a constraint and may not be taken.",
    )
    groups = grouped(run.cases, run.answered)
    for decision in run.decisions:
        yield el("section", *_intent(run, decision, groups), id=anchor(run, decision), class_="intent")


def _intent(run: Run, decision: Decision, groups: Groups) -> Iterator[Html]:
    stakes, sides = decision.stakes, _sides(run, decision)
    at_stake = f"risk {stakes.risk} · its truth changes within {stakes.volatility} · now {' → '.join(stakes.route)}"
    yield el("h3", named(decision.intent), " ", badge(decision), " ", el("small", move(run, decision)))
    yield el("p", at_stake, class_="sub")
    yield el("p", said(run, decision), class_="said")
    if len(spots := _spots(run, decision, sides)) > 1:
        yield quality_against(run, spots)
    figures, heads = {side.track: side.figures for side in sides}, {side.track: _head(run, decision, side) for side in sides}
    yield measures(figures, heads, title=f"The first measures of {named(decision.intent)}", only=FIRST)
    rest = measures(figures, heads, title=f"The other measures of {named(decision.intent)}", only=REST)
    yield el("details", el("summary", "All other measures"), rest)
    yield from _differing(run, decision, groups)
    if decision.verdict.why:
        yield el("p", el("small", f"The rule's own words: {decision.verdict.why}."), class_="sub")


def _sides(run: Run, decision: Decision) -> list[Side]:
    """In the order of the run's tracks."""
    return sorted((side for side in run.sides if side.intent == decision.intent), key=lambda side: number(run, side.track))


def _spots(run: Run, decision: Decision, sides: Sequence[Side]) -> list[Spot]:
    now, then, found = in_force(run, decision), decision.verdict.track, []
    for side in sides:
        takes = side.figures.get(taking(run))
        if takes is None:
            continue
        told = " (now)" * (side.track == now) + " (proposed)" * (side.track == then != now) + " (out)" * bool(side.breach)
        found.append(
            Spot(
                side.track + told,
                number(run, side.track),
                takes,
                side.figures["quality"],
                out=bool(side.breach),
                strong=side.track in (now, then),
            )
        )
    return found


def _head(run: Run, decision: Decision, side: Side) -> Html:
    notes = []
    if side.track == in_force(run, decision):
        notes.append(el("small", "now"))
    if side.track == decision.verdict.track and decision.verdict.kind in SWITCHES:
        notes.append(el("small", "proposed"))
    if side.breach:
        notes.append(el("small", f"✗ {side.breach}", class_="breach"))
    return head(run, side.track, *notes)


def _differing(run: Run, decision: Decision, groups: Groups) -> Iterator[Html]:
    answers: dict[str, dict[str, Answered]] = {}
    cases: dict[str, Case] = {}
    for (intent, track), pairs in groups.items():
        for case, one in pairs if intent == decision.intent else ():
            cases[case.id] = case
            answers.setdefault(case.id, {})[track] = one
    some = [(cases[case], answers[case]) for case in _most(run, answers, decision)]
    if some:
        summary = el("summary", "Questions on which the tracks differ most")
        yield el("details", summary, *(_example(case, by) for case, by in some))


def _most(run: Run, answers: Mapping[str, Mapping[str, Answered]], decision: Decision) -> list[str]:
    """Of those on which answers are furthest apart, one for the challenger and one against it come first."""
    now, other = in_force(run, decision), decision.verdict.challenger

    def apart(case: str) -> float:
        marks = [one.grades.quality for one in answers[case].values()]
        return max(marks) - min(marks)

    def ahead(case: str) -> float:
        by = answers[case]
        return by[other].grades.quality - by[now].grades.quality if other in by and now in by else 0.0

    ranked = sorted((case for case in answers if apart(case) > 0), key=lambda case: -apart(case))
    leading = [*[case for case in ranked if ahead(case) > 0][:1], *[case for case in ranked if ahead(case) < 0][:1]]
    return [*dict.fromkeys((*leading, *ranked))][:SHOWN]


def _example(case: Case, by: Mapping[str, Answered]) -> Html:
    wanted = "; ".join(claim[0] for claim in case.claims) or ("no answer" if not case.answerable else "the right form")
    lines = [row(_mark_of(one), one.track, _words(one), _cited(one)) for one in sorted(by.values(), key=_quality)]
    asked = el("p", el("b", f"“{case.question}”"), el("small", f"A right answer holds: {wanted}"), class_="asked")
    columns = ("Quality", "Track", "What it said", "Cites")
    return el("div", asked, table(columns, lines, title=f"Answers to: {case.question}", class_="answers"))


def _quality(one: Answered) -> float:
    return -one.grades.quality


def _mark_of(one: Answered) -> str:
    quality = one.grades.quality
    return f"{'✓' if quality >= 0.995 else '✗' if quality < 0.005 else '◐'} {share(quality)}"


def _words(one: Answered) -> str:
    text = " ".join(one.text.split()) or f"({one.error or one.outcome})"
    return text if len(text) <= LETTERS else f"{text[:LETTERS]}…"


def _cited(one: Answered) -> str:
    return ", ".join(dict.fromkeys(citation.source for citation in one.citations)) or "–"
