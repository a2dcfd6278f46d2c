"""When a measurement no longer speaks for what runs: what it was made with has changed, or it is too old."""

from collections.abc import Container, Mapping
from dataclasses import dataclass

from core.assistant import Assistant
from core.policy.routes import Route, Routes


@dataclass(frozen=True, slots=True)
class Present:
    """What evidence is held against: the time, the fingerprints of now (None: they cannot be seen), the tracks and intents
    there are."""

    at: float
    prints: Mapping[str, str] | None
    tracks: Container[str]
    intents: Container[str]


def reasons(route: Route, now: Present) -> list[str]:
    """Why a route is to be looked at again, in words; an opinion has nothing to go stale but its names."""
    found = [f"there is no track {track} any more" for track in route.tracks if track not in now.tracks]
    if route.intent not in now.intents:
        found.append("there is no such intent any more")
    if route.evidence is None or not route.evidence.cases:
        return found
    if route.expires and now.at > route.expires:
        found.append(f"the measurement has expired {days(now.at - route.expires)} ago")
    if changed := changes(route.evidence.made_with, now.prints):
        found.append(f"changed since it was measured: {', '.join(changed)}")
    return found


def changes(made_with: Mapping[str, str], prints: Mapping[str, str] | None) -> list[str]:
    """What a measurement was made with that is not so now, by name. The questions are the measurement's own, and documents
    count one by one where they are named."""
    if prints is None:
        return []
    ignored = {"questions"}
    if any(name.startswith("source:") for name in made_with):
        ignored.add("documents")
    other = (name for name, value in made_with.items() if name not in ignored and prints.get(name) != value)
    return [name.removeprefix("source:") for name in other]


def stale(routes: Routes, now: Present) -> dict[str, list[str]]:
    """The intents whose routes are to be looked at again, with why."""
    found = {route.intent: reasons(route, now) for route in routes.routes}
    return {intent: why for intent, why in found.items() if why}


def names(file: Assistant) -> set[str]:
    return {intent.name for intent in file.intents}


def days(seconds: float) -> str:
    """ "3 days", "5 hours", "a moment"."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if (count := int(seconds // size)) >= 1:
            return f"{count} {unit}{'s' * (count > 1)}"
    return "a moment"
