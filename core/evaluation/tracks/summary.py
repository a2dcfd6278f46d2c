"""A run in a terminal: intent by intent, track by track, and what is to be done."""

from collections import Counter
from collections.abc import Iterator

from core.evaluation.intervals import Figure
from core.evaluation.tracks.deciding import in_force
from core.evaluation.tracks.records import Decision, Run, Side
from core.evaluation.tracks.report.words import count

KINDS = {
    "better": "switch",
    "cheaper": "switch",
    "forced": "switch, forced",
    "keep": "keep",
    "cannot_tell": "cannot tell",
    "infeasible": "no track is allowed",
}


def summary(run: Run) -> list[str]:
    return [*_head(run), *(line for decision in run.decisions for line in _intent(run, decision)), *_end(run)]


def _head(run: Run) -> Iterator[str]:
    names = ", ".join(
        track.name + " (from a file)" * bool(track.filed) for track in run.tracks if not track.left_out and not track.assumed
    )
    yield f"{count(len(run.cases), 'question')} of {run.questions} asked of {names}; {count(len(run.answered), 'answer')}"
    yield f"quality with its 95 % interval; money in {run.currency} a turn; seconds to the first token and to the whole answer"
    for track in run.tracks:
        if track.left_out:
            yield f"  left out: {track.name}, {track.left_out}"
    if run.stopped:
        yield f"! stopped early: {run.stopped}"


def _intent(run: Run, decision: Decision) -> Iterator[str]:
    stakes, verdict = decision.stakes, decision.verdict
    sides = [side for side in run.sides if side.intent == decision.intent]
    cases = max(side.figures["quality"].n for side in sides)
    yield ""
    yield (
        f"{decision.intent or '(no intent)'}  {count(cases, 'question')}, risk {stakes.risk},"
        f" changes within {stakes.volatility}, now {' → '.join(stakes.route)}"
    )
    yield f"  {'':14}{'quality':>8}  {'':15}{'cited':>6}{'stale':>7}{'cost':>10}{'first p50':>11}{'whole p50':>11}{'p95':>8}"
    yield from (_side(side, verdict.track) for side in sides)
    arrow = f" to {verdict.track}" if verdict.track != in_force(run, decision) else ""
    yield f"  {KINDS[verdict.kind]}{arrow}: {verdict.why}"


def _side(side: Side, chosen: str) -> str:
    figures = side.figures
    quality = figures["quality"]
    interval = f"{quality.low:.2f} to {quality.high:.2f}"
    mark = "→" if side.track == chosen else "x" if side.breach else " "
    return (
        f"{mark:>2}{side.track:14}{quality.value:8.2f}  {interval:15}{_told(figures.get('citations'))}"
        f"{_told(figures.get('stale')):>7}{_told(figures.get('cost'), '.5f', 10)}"
        + "".join(
            _seconds(figures.get(name), width) for name, width in (("first_p50", 11), ("total_p50", 11), ("total_p95", 8))
        )
        + (f"  {side.breach}" if side.breach else "")
    )


def _told(figure: Figure | None, form: str = ".2f", width: int = 6) -> str:
    return f"{figure.value:{width}{form}}" if figure else f"{'–':>{width}}"


def _seconds(figure: Figure | None, width: int) -> str:
    return f"{figure.value / 1000:{width}.2f}" if figure else f"{'–':>{width}}"


def _end(run: Run) -> Iterator[str]:
    yield ""
    counts = Counter(KINDS[decision.verdict.kind] for decision in run.decisions)
    yield f"{len(run.decisions)} intents: " + ", ".join(f"{number} {kind}" for kind, number in counts.most_common())
    for judge in run.judges:
        role = "decides" if judge.decides else "reports only"
        why = f"; {judge.why}" if judge.why else ""
        yield f"judge {judge.model}: {role}, κ {judge.kappa:.2f} on {judge.labels} labels{why}"
    for check in run.checks:
        if not check.ok:
            yield f"! not true: {check.name}: {check.why}"
    weights = run.rules.weights
    yield (
        f"utility = quality − {weights.cost:g} × {run.currency} − {weights.second:g} × seconds"
        f" − {weights.stale:g} × stale answers, weighed by how soon the truth changes"
    )
    yield f"spent {run.spent:.4f} {run.currency}" + (f" of at most {run.most:.2f}" if run.most else "")
