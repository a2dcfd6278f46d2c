"""Audiences: what may be read where an answer is heard.

`[[audiences]]` of the assistant file says who belongs to which; a passage names those that may read it, or none: everyone may.
Where only its author hears an answer, the author counts. In a group everyone there hears it, so it holds what all of them may
read: what the group itself is given, and what each of its members belongs to. Whom the platform does not name is a stranger.

    reader = await Audiences(assistant, keys, roster).reader(event)
    reader.may_read(Ground(origin="handbook", audience=("staff",)))
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core.assistant import Assistant
from core.assistant.tables import Audience
from core.keys import EVALUATION, Keys
from core.records import Event, Ground, Versioned

Roster = Callable[[str, str, str], Awaitable[frozenset[str] | None]]
"""Who is in a group: (channel, account, group) → people as `Event.author` names them; None where nobody can tell."""


class MembersRequest(Versioned, frozen=True):
    """What a channel takes on `members.<channel>`: a group, by the platform's own ids."""

    account: str
    group: str


class Members(Versioned, frozen=True):
    """Everyone in a group but the bot itself, as `Event.author` names people; None where the platform does not tell."""

    people: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who hears an answer: `audiences` to which everyone there belongs, `alone` those to which who asked belongs. `origins`
    says who may read each knowledge source now; what was written on a passage earlier can only narrow that."""

    audiences: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()
    origins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def may_read(self, ground: Ground) -> bool:
        return _shared(self.audiences, ground.audience) and _shared(self.audiences, self.origins.get(ground.origin, ()))

    @property
    def in_private(self) -> "Reader":
        """Who asked, with nobody else to hear it."""
        return Reader(self.alone, self.alone, self.origins)


EVERYONE = Reader()


def visitors(assistant: Assistant, channel: str) -> tuple[str, ...]:
    """The audiences of anybody who comes by a channel."""
    return tuple(audience.name for audience in assistant.audiences if channel in audience.channels)


def _shared(held: frozenset[str], wanted: Sequence[str]) -> bool:
    return not wanted or not held.isdisjoint(wanted)


@dataclass(frozen=True, slots=True)
class Audiences:
    """The audiences of one assistant file. Asks `roster` only where the answer turns on it."""

    assistant: Assistant
    keys: Keys
    roster: Roster

    async def reader(self, events: Sequence[Event]) -> Reader:
        """Who hears the answer to these events, which are of one conversation."""
        origins = {source.name: source.audience for source in self.assistant.knowledge.sources}
        if not self.assistant.audiences:
            return Reader(origins=origins)
        groups = await self._groups(events[0])
        alone = frozenset.intersection(*(self._person(event, groups) for event in events))
        group = events[0].group
        heard = alone if group == "" else self._everyone(events[0], groups)
        return Reader(heard, alone, origins)

    def _person(self, event: Event, groups: Mapping[str, frozenset[str] | None]) -> frozenset[str]:
        return frozenset(
            audience.name
            for audience in self.assistant.audiences
            if event.channel in audience.channels
            or event.author in self._people(audience, event, groups)
            or (event.channel == EVALUATION and audience.name in event.audiences)
        )

    def _everyone(self, event: Event, groups: Mapping[str, frozenset[str] | None]) -> frozenset[str]:
        here = f"{event.channel}:{event.group}"
        members = groups.get(here)
        return frozenset(
            audience.name
            for audience in self.assistant.audiences
            if event.channel in audience.channels
            or here in audience.groups
            or (members and members | {event.author} <= self._people(audience, event, groups))
        )

    def _people(self, audience: Audience, event: Event, groups: Mapping[str, frozenset[str] | None]) -> frozenset[str]:
        """Everyone known to belong to an audience, of those an event's account knows."""
        named = (native for name, _, native in (one.partition(":") for one in audience.people) if name == event.channel)
        people = frozenset(self.keys.person(event.channel, event.account, native) for native in named)
        return people.union(*(groups.get(group) or () for group in audience.groups))

    async def _groups(self, event: Event) -> dict[str, frozenset[str] | None]:
        """The members of the group this is said in, and of those that audiences are made of on this channel."""
        named = {group for audience in self.assistant.audiences for group in audience.groups}
        named.update([f"{event.channel}:{event.group}"] if event.group else [])
        wanted = sorted(group for group in named if group.startswith(f"{event.channel}:"))
        found = await asyncio.gather(*(self.roster(event.channel, event.account, group.partition(":")[2]) for group in wanted))
        return dict(zip(wanted, found, strict=True))
