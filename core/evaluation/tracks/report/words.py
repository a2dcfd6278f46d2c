"""How the report says things: money, times, shares, points, lists of names."""

from collections.abc import Mapping, Sequence

from core.evaluation.intervals import Figure
from core.evaluation.tracks.deciding import NONE, in_force
from core.evaluation.tracks.records import Decision, Run
from core.policy.decision import Kind, Rules, Verdict

TOLD = 3
TURNS = 1000
SWITCHES: tuple[Kind, ...] = ("better", "cheaper", "forced")
SIGNS: Mapping[Kind, tuple[str, str]] = {
    "better": ("→", "Switch"),
    "cheaper": ("→", "Switch"),
    "forced": ("!", "Switch: a must"),
    "keep": ("=", "Keep"),
    "cannot_tell": ("?", "Cannot tell"),
    "infeasible": ("×", "No track is allowed"),
}
MEASURES: Mapping[str, str] = {
    "quality": "Quality",
    "claims": "Facts",
    "support": "Borne out",
    "citations": "Citations",
    "format": "Format",
    "language": "Language",
    "abstention": "Abstention",
    "clean": "Nothing forbidden",
    "served": "Served",
    "stale": "Out of date",
    "cost": "Cost of 1,000 turns",
    "first_p50": "First word p50",
    "first_p95": "First word p95",
    "total_p50": "Whole p50",
    "total_p95": "Whole p95",
}
FIRST = ("quality", "citations", "clean", "stale", "cost", "first_p50", "total_p95")
"""The measures that people look at first."""


def some(names: Sequence[str], what: str) -> str:
    """How many, and the first of them: "5 questions (a, b, c, …)"."""
    first = ", ".join(names[:TOLD]) + (", …" if len(names) > TOLD else "")
    return f"{count(len(names), what)} ({first})"


def count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def named(intent: str) -> str:
    return intent if intent != NONE else "(no intent)"


def share(value: float) -> str:
    """Whole per cents, but never 0 or 100 of what is not."""
    return f"{100 * value:.0f} %" if 0.01 <= value <= 0.99 or value in (0.0, 1.0) else f"{100 * value:.1f} %"


def signed(value: float, form: str = ".1f") -> str:
    """With a sign that is as wide as a plus."""
    return f"{value:+{form}}".replace("-", "−") if value else f"{value:{form}}"


def points(value: float) -> str:
    """A difference of shares or of worth: "+12.3"."""
    return signed(100 * value)


def money(value: float) -> str:
    """Of a turn, told for a thousand."""
    thousand = TURNS * value
    if not value:
        return "0"
    return f"{thousand:,.0f}" if abs(thousand) >= 100 else f"{thousand:.1f}" if abs(thousand) >= 10 else f"{thousand:.2f}"


def round_money(value: float) -> str:
    """Of a picture's edge."""
    return f"{TURNS * value:g}"


def round_seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:g} s" if milliseconds >= 1000 else f"{milliseconds:g} ms"


def seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"


def lasting(seconds: float) -> str:
    """How long something took that people wait for by the minute."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def measured(name: str, value: float) -> str:
    """A figure's value as its measure is told."""
    if name == "cost":
        return money(value)
    return seconds(value) if "_p" in name else share(value)


def interval(name: str, figure: Figure) -> str:
    """ "47–58 %": the unit once, where it is the same."""
    return span(measured(name, figure.low), measured(name, figure.high))


def span(low: str, high: str) -> str:
    if low == high:
        return low
    amount, _, unit = low.partition(" ")
    return f"{amount}–{high}" if unit and high.endswith(f" {unit}") else f"{low}–{high}"


def said(run: Run, decision: Decision) -> str:
    """The decision in a sentence."""
    verdict, now = decision.verdict, in_force(run, decision)
    ends = f"{points(verdict.low)} to {points(verdict.high)}"
    sentences: Mapping[Kind, str] = {
        "better": f"{verdict.track} is worth {points(verdict.difference)} points more than {now} ({ends}).",
        "cheaper": f"{verdict.track} is {verdict.why.partition(';')[0]} than {now}.",
        "forced": f"{now} breaks a constraint: {broken(run, decision.intent, now)}."
        f" {verdict.track} is the best of those that keep them all.",
        "keep": _kept(verdict, now),
        "cannot_tell": _open(verdict, now, broken(run, decision.intent, now), run.rules),
        "infeasible": "Every track breaks a constraint.",
    }
    return sentences[verdict.kind]


def _open(verdict: Verdict, now: str, broken: str, rules: Rules) -> str:
    more, out = count(verdict.more, "more question"), f"{now} breaks a constraint: {broken}. " if broken else ""
    if broken or verdict.cases < rules.cases:
        return f"{out}Too few questions to compare {verdict.challenger} with {now}: {more} at least."
    told = f"{verdict.challenger} may be better than {now}, or not ({points(verdict.low)} to {points(verdict.high)} points)"
    if verdict.more:
        return f"{told}: {more} would tell."
    return f"{told}, but not by {100 * rules.least:g}: more questions are not worth asking."


def broken(run: Run, intent: str, track: str) -> str:
    """The constraint that a track breaks there; "": none."""
    return next((side.breach for side in run.sides if (side.intent, side.track) == (intent, track)), "")


def _kept(verdict: Verdict, now: str) -> str:
    if not verdict.challenger:
        return f"{verdict.why[:1].upper()}{verdict.why[1:]}."
    closest = f"{points(verdict.difference)} points ({points(verdict.low)} to {points(verdict.high)})"
    return f"Nothing beats {now}: {verdict.challenger} comes closest, {closest}."
