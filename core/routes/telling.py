"""Routes as people read them in a terminal."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from core.assistant import Assistant
from core.policy.canary import Limits, Pace
from core.policy.drift import Drift
from core.policy.routes import Route, Routes
from core.routes.staleness import days, names
from core.routes.standing import rests_on
from core.routes.trial import tracks_of

NO_INTENT = "(no intent)"
FORCE = {"full": "for everybody", "shadow": "in shadow: nobody's answers change", "canary": "canary"}


def arrows(tracks: Sequence[str]) -> str:
    return " → ".join(tracks)


def when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def headline(routes: Routes) -> str:
    """ "version 8, canary: 25 % of conversations, the others follow version 7; by ann, 2026-11-27 06:12 UTC: a note"."""
    if routes.number == 0:
        return "no version yet: every route is the assistant file's, an opinion"
    force = FORCE[routes.stage]
    if routes.stage == "canary":
        others = f"version {routes.before}" if routes.before else "the assistant file"
        force = f"canary: {routes.share:.0%} of conversations, the others follow {others}"
    note = f": {routes.note}" if routes.note else ""
    return f"version {routes.number}, {force}; by {routes.by or 'somebody'}, {when(routes.at)}{note}"


def watched(limits: Limits, pace: Pace) -> list[str]:
    """How a canary's share grows and how much worse it may be, in two lines."""
    steps = " → ".join(f"{step:.0%}" for step in pace.steps)
    late = f"later than the others' 95th percentile × {limits.slower:g} (and {limits.seconds:g} s)"
    dear = f"dearer than theirs × {limits.dearer:g}"
    return [
        f"grows {steps} of conversations, each step after {pace.turns} counted turns and {pace.seconds / 3600:g} h",
        f"may be worse by: not served {limits.unserved:.0%}, passed on {limits.passed_on:.0%}, thumbs down {limits.down:.0%};"
        f" {limits.beyond:.0%} of answers {late} or {dear}",
    ]


UNWATCHED = (
    "Nothing watches this version, and nothing takes it back by itself. Everybody follows it, so nobody is left to"
    " compare with, and the turns before it are no measure: hours, load and outages differ as well. `--canary 50%`"
    " goes nearly as fast and is watched; else look at /metrics, and take it back with `turnout routes rollback`."
)


def table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows in columns, each as wide as its widest cell; the last one as long as it likes."""
    rows = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in list(zip(*rows, strict=True))[:-1]]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows
    ]


def evidence(route: Route, now: float) -> str:
    """What a route rests on, how old that is and how long it is good for."""
    told = route.evidence
    if told is None or not told.cases:
        return grounds(route)
    against = f"{told.difference:+.3f} ({told.low:+.3f} to {told.high:+.3f})"
    duel = f"{told.challenger} against {told.default} {against}, " if told.challenger else ""
    until = ""
    if route.expires:
        until = f", good for {days(route.expires - now)}" if route.expires > now else ", expired"
    return f"{rests_on(route)}: {duel}{days(now - told.at)} old{until}"


def shown(routes: Routes, file: Assistant, now: float) -> list[str]:
    """Every intent's tracks with what they rest on."""
    known, named = {route.intent: route for route in routes.routes}, names(file)
    rows = []
    for intent, tracks in tracks_of(routes, file).items():
        told = evidence(known[intent], now) if intent in known else "an opinion of the assistant file"
        if intent in known and intent in named and tracks != file.route(intent):
            told += f" (the assistant file says {arrows(file.route(intent))})"
        rows.append((intent, arrows(tracks), told))
    return table([*rows, (NO_INTENT, arrows(file.about.default_route), "an opinion of the assistant file")])


def compared(old: Routes, new: Routes, file: Assistant) -> list[str]:
    """What of each intent the second version says otherwise than the first, or on other evidence."""
    before, after = tracks_of(old, file), tracks_of(new, file)
    was, proposed = ({route.intent: route for route in routes.routes} for routes in (old, new))
    rows = []
    for intent in sorted({*was, *proposed}):
        if before.get(intent) == after.get(intent) and was.get(intent) == proposed.get(intent):
            continue
        moved = before.get(intent) != after.get(intent)
        change = f"{arrows(before.get(intent, ()))} ⇒ {arrows(after[intent])}" if moved else f"{arrows(after[intent])} (stays)"
        rows.append(("~" if moved else "=", intent, change, grounds(proposed.get(intent))))
    return table(rows) if rows else ["no difference"]


def grounds(route: Route | None) -> str:
    """Why a route is as it is, in the words of who proposed it."""
    if route is None:
        return "as the assistant file has it, an opinion"
    return f"{rests_on(route)}: {route.evidence.why}" if route.evidence else rests_on(route)


def warned(stale: Mapping[str, Sequence[str]]) -> list[str]:
    """Which intents are to be measured again, and why."""
    return table((f"! {intent}", "; ".join(why)) for intent, why in stale.items()) if stale else []


def drifted(drift: Drift) -> list[str]:
    """That people ask for other things now, in one line; none where they do not."""
    if not drift.real:
        return []
    most = ", ".join(f"{intent} {change:+.0%}" for intent, change in drift.most)
    return [f"! what people ask for has moved since: {drift.distance:.0%} of conversations are about something else ({most})"]


def version_line(routes: Routes, newest: int) -> Sequence[str]:
    mark = "→" if routes.number == newest else " "
    share = f"{routes.stage} {routes.share:.0%}" if routes.stage != "full" else "full"
    return (f"{mark} {routes.number}", share, when(routes.at), routes.by, routes.note)
