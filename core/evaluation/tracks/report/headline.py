"""The top of the report: whether it may be believed, what to switch, what that changes, and what cannot be told yet."""

from collections.abc import Iterator, Sequence

from core.evaluation.pages import tile, tiles, when
from core.evaluation.tracks.available import asked
from core.evaluation.tracks.deciding import NONE, filed
from core.evaluation.tracks.records import Check, Decision, Run
from core.evaluation.tracks.report.charts import SHAPES, Spot, mark
from core.evaluation.tracks.report.checks import failed
from core.evaluation.tracks.report.html import Html, el, joined, row, table
from core.evaluation.tracks.report.measures import number, quality_against, taking
from core.evaluation.tracks.report.policies import NOW, PROPOSED, Policy, Totals
from core.evaluation.tracks.report.words import (
    SWITCHES,
    count,
    interval,
    listed,
    money,
    named,
    points,
    seconds,
    share,
    some,
)


def top(run: Run, found: Totals | None) -> Iterator[Html]:
    names = [track.name for track in asked(run.tracks)]
    people = f", {listed([*filed(run)])} from a file" if filed(run) else ""
    told = (
        f"{run.questions} · {count(len(run.cases), 'question')} asked of {listed(names)}{people} · {when(run.ended or run.at)}"
    )
    yield el("header", el("h1", f"{run.assistant}: which track for what"), el("p", told, class_="sub"))
    yield verdict_on(run)
    if run.stopped:
        yield el("p", f"It stopped early: {run.stopped}.", class_="notice")
    doubt = [el("p", "What it would say, if it could be believed:")] if failed(run) else []
    yield el(
        "div", *doubt, *(el("p", sentence) for sentence in _sentences(run, found)), class_="lead doubted" if doubt else "lead"
    )
    if found:
        yield Html(tiles(_tiles(run, found)))


def verdict_on(run: Run) -> Html:
    wrong = failed(run)
    if not wrong:
        told = f"✓ All {len(run.checks)} checks of this report hold." if run.checks else "Nothing was checked."
        return el("p", told, " ", el("a", "Which", href="#checks"), class_="sound" if run.checks else "notice")
    head = f"✗ Do not act on this report: {count(len(wrong), 'check')} failed, so no routes are proposed."
    return el("div", el("h2", head), el("ul", *map(_wrong, wrong)), class_="alarm", role="alert")


def _wrong(check: Check) -> Html:
    return el("li", el("b", f"Not true: {check.name[0].lower()}{check.name[1:]}"), f" – {check.why}.")


def _sentences(run: Run, found: Totals | None) -> Iterator[str]:
    decided = [one for one in run.decisions if one.intent != NONE]
    switched = [one for one in decided if one.verdict.kind in SWITCHES]
    untold = [one for one in decided if one.verdict.kind == "cannot_tell"]
    open_, shut = [one for one in untold if one.verdict.more], [named(one.intent) for one in untold if not one.verdict.more]
    if switched:
        yield f"Switch {len(switched)} of {count(len(decided), 'intent')}: {_targets(switched)}."
    else:
        yield f"Switch nothing: none of {count(len(decided), 'intent')} has a track that is shown to be better."
    if found and switched:
        yield _gain(run, found)
    if open_:
        more = sum(one.verdict.more for one in open_)
        names = listed([named(one.intent) for one in open_])
        yield f"For {names} it cannot be told yet: about {count(more, 'more question')} would tell."
    if shut:
        least = f"{100 * run.rules.least:g} points"
        told = f"For {listed(shut)} it cannot be told which track is better, but nothing is better by {least}"
        yield f"{told}: more questions are not worth asking."
    if alone := [named(one.intent) for one in decided if one.verdict.kind == "keep" and not one.verdict.challenger]:
        yield f"For {some(alone, 'intent')} there is nothing to compare: no other track was measured, or none is allowed."
    if none := [named(one.intent) for one in decided if one.verdict.kind == "infeasible"]:
        yield f"For {listed(none)} every track breaks a constraint: change the track, or the constraint."


def _targets(switched: Sequence[Decision]) -> str:
    tracks = dict.fromkeys(one.verdict.track for one in switched)
    parts = [(track, [named(one.intent) for one in switched if one.verdict.track == track]) for track in tracks]
    return "; ".join(f"{listed(names)} to {track}" for track, names in parts)


def _gain(run: Run, found: Totals) -> str:
    better, now, then = found.better, found.now, found.proposed
    span = f"{points(better.low)} to {points(better.high)}"
    way = "rises" if better.value >= 0 else "falls"
    told = f"On these questions quality {way} by {abs(100 * better.value):.1f} points ({span})"
    if now.cost.value and then.cost.value:
        told += f", a thousand turns cost {money(then.cost.value)} {run.currency} instead of {money(now.cost.value)}"
    return f"{told}, and the slowest in twenty take {seconds(then.late.value)} instead of {seconds(now.late.value)}."


def _tiles(run: Run, found: Totals) -> Iterator[str]:
    now, then = found.now, found.proposed
    yield tile(share(then.quality.value), "quality, as proposed", f"now {share(now.quality.value)}")
    yield tile(money(then.cost.value), f"{run.currency} for 1,000 turns", f"now {money(now.cost.value)}")
    yield tile(seconds(then.late.value), "slowest in twenty", f"now {seconds(now.late.value)}")
    if now.stale and then.stale:
        yield tile(share(then.stale.value), "out of date after a change", f"now {share(now.stale.value)}")
    more = sum(one.verdict.more for one in run.decisions if one.intent != NONE and one.verdict.kind == "cannot_tell")
    yield tile(f"{more:,}", "more questions", "would tell what is open" if more else "nothing is open")


def compared(run: Run, found: Totals) -> Iterator[Html]:
    """Now, proposed, and every track for everything."""
    routes = [found.now] if found.same else [found.now, found.proposed]
    policies = [*routes, *sorted(found.single, key=lambda one: -one.worth.value)]
    yield el("h2", "What it changes", id="changes")
    yield el("p", _told(found))
    drawn = quality_against(run, [_spot(run, policy) for policy in policies])
    names = ("Quality", "Interval", f"{run.currency} for 1,000 turns", "Slowest in twenty", "Out of date", "Worth")
    rows = [_row(run, policy, names) for policy in policies]
    title = "The routes now, as proposed, and one track for everything"
    yield el("section", drawn, table(("Routes", *names), rows, title=title))


def _told(found: Totals) -> str:
    told = (
        f"The same {count(found.questions, 'question')}, answered by the routes as they are, as proposed, and by one track for"
        " everything. Worth is quality less what cost, waiting and outdated answers weigh, in points."
    )
    if best := found.best_single:
        told += f" The best single track is {best.name}; routes are worth it where they beat that too."
    return told + (f" Nothing is known of now for {listed(found.left_out)}." if found.left_out else "")


def _number(run: Run, policy: Policy) -> int:
    """Routes have the shapes that are left over."""
    return {NOW: len(SHAPES) - 1, PROPOSED: len(SHAPES) - 2}.get(policy.name) or number(run, policy.name)


def _spot(run: Run, policy: Policy) -> Spot:
    routes, out = policy.name in (NOW, PROPOSED), bool(policy.breaches)
    name = policy.name + " (out)" * out
    return Spot(
        name,
        _number(run, policy),
        policy.cost if taking(run) == "cost" else policy.late,
        policy.quality,
        out=out,
        strong=routes,
    )


def _row(run: Run, policy: Policy, names: Sequence[str]) -> Html:
    key = mark(_number(run, policy), hollow=bool(policy.breaches))
    broken = [el("small", f"✗ breaks a constraint on {listed(policy.breaches)}", class_="breach")] if policy.breaches else []
    cells = (
        share(policy.quality.value),
        interval("quality", policy.quality),
        money(policy.cost.value),
        seconds(policy.late.value),
        share(policy.stale.value) if policy.stale else "–",
        f"{100 * policy.worth.value:.1f}",
    )
    chosen = "chosen" if policy.name == PROPOSED else None
    return row(joined((key, policy.name, *broken)), *cells, names=names, class_=chosen)
