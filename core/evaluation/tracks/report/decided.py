"""The decisions: all of them at a glance, each with its difference and its reason."""

import time
from collections.abc import Iterator, Sequence

from core.evaluation.tracks.deciding import DAYS, in_force
from core.evaluation.tracks.records import Decision, Run
from core.evaluation.tracks.report.charts import Axis, point, ruler, spanning, strip, whisker
from core.evaluation.tracks.report.html import Html, el, joined, row, table
from core.evaluation.tracks.report.words import SIGNS, SWITCHES, named, points, said, signed
from core.policy.decision import Kind

ORDER: tuple[Kind, ...] = ("infeasible", "forced", "better", "cheaper", "cannot_tell", "keep")
NAMES = ("", "", "", "Questions", "Good until")


def decisions(run: Run) -> Iterator[Html]:
    yield el("h2", "The decisions", id="decisions")
    yield el(
        "p",
        "For each intent the track that comes closest to taking over, against the one in force: how much more its answers are"
        " worth on the same questions, in points, with the interval the decision rests on. Left of the line it is worth less."
        " Filled: a switch. Hollow: nothing changes.",
    )
    verdicts = [one.verdict for one in run.decisions if one.verdict.challenger]
    axis = spanning([100 * end for one in verdicts for end in (one.low, one.high)] or [0.0], zero=True)
    head = ("Intent", "Decision", ruler(axis, lambda value: signed(value, "g")), "Why", *NAMES[3:])
    rows = [_row(run, one, axis) for one in _ordered(run.decisions)]
    yield el("section", table(head, rows, title="Decisions by intent", class_="strips"))


def _ordered(some: Sequence[Decision]) -> list[Decision]:
    """What is to be done first."""
    return sorted(some, key=lambda one: (ORDER.index(one.verdict.kind), not one.verdict.challenger, one.intent))


def _row(run: Run, decision: Decision, axis: Axis) -> Html:
    verdict, stakes = decision.verdict, decision.stakes
    until = run.ended + 86400 * DAYS[stakes.volatility]
    name = el("a", named(decision.intent), href=f"#{anchor(run, decision)}")
    return row(
        joined((name, el("small", f"risk {stakes.risk}"))),
        joined((badge(decision), el("small", move(run, decision)))),
        _picture(run, decision, axis) if verdict.challenger else "",
        el("span", said(run, decision), class_="why"),
        str(verdict.cases or "–"),
        el("span", time.strftime("%Y-%m-%d", time.gmtime(until)), class_="one") if run.ended else "–",
        names=NAMES,
    )


def badge(decision: Decision) -> Html:
    sign, words = SIGNS[decision.verdict.kind]
    return el("span", el("i", sign, aria_hidden="true"), words, class_=f"badge {decision.verdict.kind}")


def move(run: Run, decision: Decision) -> str:
    now = in_force(run, decision)
    return f"{now} → {decision.verdict.track}" if decision.verdict.kind in SWITCHES else f"stays {now}"


def anchor(run: Run, decision: Decision) -> str:
    return f"intent-{run.intents.index(decision.intent)}"


def _picture(run: Run, decision: Decision, axis: Axis) -> Html:
    verdict = decision.verdict
    low, value, high = (100 * part for part in (verdict.low, verdict.difference, verdict.high))
    number = 0 if verdict.kind in SWITCHES else 6
    told = f"{verdict.challenger} against {in_force(run, decision)}: {points(verdict.difference)} points,"
    told += f" {points(verdict.low)} to {points(verdict.high)}"
    marks = whisker(axis, low, high, number), point(axis, value, number, hollow=verdict.kind not in SWITCHES)
    return strip(axis, told, *marks, zero=True)
