"""Advice for who has measured nothing yet: where to start, on what that rests, and what to measure first.

The rules are data (`advice.toml`); here they are only added up. What comes of it is an opinion and is marked as one.
"""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import msgspec

from core.records import Record

CRITERIA: Mapping[str, tuple[str, ...]] = {
    "volatility": ("minutes", "days", "months", "years"),
    "volume": ("low", "medium", "high"),
    "real_time": ("no", "yes"),
    "form": ("free", "tone", "format"),
    "sources": ("no", "yes"),
    "budget": ("low", "medium", "high"),
    "latency": ("instant", "seconds", "relaxed"),
    "privacy": ("open", "inside"),
    "examples": ("none", "some", "many"),
    "fixed": ("no", "yes"),
    "risk": ("low", "medium", "high"),
}
"""What is asked about an intent, and the answers there are."""

STARTS = {"rag": 0.0, "prompt": -0.5, "template": -1.0, "hybrid": -1.0, "tuned": -1.0}
"""Before anything is known: what needs no preparation comes first."""

Card = Mapping[str, str]
"""The answers about one intent, by criterion."""


class Rule(Record, frozen=True, forbid_unknown_fields=True):
    """`points` for tracks where every key of `when` has one of its values; `never` rules tracks out there."""

    name: str
    when: dict[str, tuple[str, ...]]
    claim: str
    rests: Literal["published", "measured", "asserted"]
    source: str
    points: dict[str, float] = {}
    never: tuple[str, ...] = ()

    def holds(self, card: Card) -> bool:
        return all(card[criterion] in values for criterion, values in self.when.items())


class _Table(Record, frozen=True, forbid_unknown_fields=True):
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """Where an intent is to start: `tracks` in order, `because` of which rules, and which track to measure against it first
    ("": there is no other); `built` where that one can run now."""

    intent: str
    tracks: tuple[str, ...]
    because: tuple[Rule, ...]
    first: str
    built: bool = True


def rules() -> tuple[Rule, ...]:
    text = files("core.policy").joinpath("advice.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), _Table).rules


def advise(intent: str, card: Card, table: Sequence[Rule], *, runs: Collection[str]) -> Advice:
    """The tracks that can run (`runs`), those with the most points first and none that is ruled out; then what is worth
    measuring against the first: the next best, also where it would have to be built."""
    holding = [rule for rule in table if rule.holds(card)]
    never = {track for rule in holding for track in rule.never}
    points = {track: start + sum(rule.points.get(track, 0.0) for rule in holding) for track, start in STARTS.items()}
    ranked = sorted((track for track in points if track not in never), key=lambda track: -points[track])
    if card["fixed"] == "no":
        ranked.remove("template")
    tracks = tuple(track for track in ranked if track in runs) or ("rag",)
    tracks = tracks[:1] if tracks[0] == "template" else tracks[:2]
    others = sorted((track for track in ranked if track not in (tracks[0], "template")), key=lambda track: track not in runs)
    spoken_of = {tracks[0], *others[:1]}
    said = tuple(rule for rule in holding if spoken_of & {*rule.points} or rule.never or not rule.points)
    first = others[0] if others and tracks[0] != "template" else ""
    return Advice(intent, tracks, said, first, not first or first in runs)
