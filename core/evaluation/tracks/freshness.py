"""Who still says the old value: a question is asked, its document changed, and the same question asked again in the same
conversation, where the old answer is remembered."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from core.bus import Bus
from core.errors import Unavailable
from core.evaluation.judging.wording import says
from core.evaluation.lines import BadQuestions
from core.evaluation.tracks.asking import Asking, asking
from core.evaluation.tracks.fingerprints import prints, texts
from core.evaluation.tracks.money import paid
from core.evaluation.tracks.records import COULD_NOT, Answered, Case, Change, Price, Track
from core.evaluation.tracks.running import Running, Tell, each
from core.evaluation.tracks.scratch import name_in, scratch
from core.settings import Settings

MOST = 200
"""Documents beside those that change, for the search to choose from."""


@dataclass(frozen=True, slots=True)
class World:
    """The documents before, those that change as they are after, and the changes; by the names of their files."""

    before: Mapping[str, str]
    after: Mapping[str, str]
    changes: Mapping[str, Sequence[Change]]

    def words(self, which: Literal["old", "new"]) -> dict[str, list[str]]:
        return {name: [getattr(change, which) for change in some] for name, some in self.changes.items()}


async def world(bus: Bus, cases: Sequence[Case]) -> World:
    """Raises BadQuestions where a document does not hold the words that are to change."""
    sources = {name_in(source): source for source in await prints(bus)}
    named = {case.id: _named(case.change, sources) for case in cases if case.change}
    wanted = {*filter(None, named.values()), *sorted(sources)[:MOST]}
    read = await texts(bus, [sources[name] for name in wanted])
    known = {name: read[sources[name]] for name in wanted}
    after: dict[str, str] = {}
    changes: dict[str, list[Change]] = {}
    wrong = []
    for case in cases:
        if not case.change:
            continue
        name = named[case.id]
        if case.change.old in known.get(name, ""):
            changes.setdefault(name, []).append(case.change)
            after[name] = after.get(name, known[name]).replace(case.change.old, case.change.new)
        else:
            wrong.append(f"{case.id}: {case.change.old!r} does not stand in {case.change.source}: nothing can be changed there")
    if wrong:
        raise BadQuestions("\n".join(wrong))
    return World(known, after, changes)


def _named(change: Change, names: Iterable[str]) -> str:
    wanted = name_in(change.source)
    return next((name for name in names if name == wanted or name.endswith(f"/{wanted}")), "")


@dataclass(slots=True)
class Freshness:
    """Two rounds in the scratch world. `held`: the money set aside for who takes part in both."""

    running: Running
    asks: Asking
    tell: Tell
    of: int
    held: dict[tuple[str, str], float] = field(default_factory=dict)
    done: int = 0

    async def first(self, case: Case, track: Track) -> bool:
        """Let it learn the old value. Whether there was money left for that and for asking again."""
        bound = 2 * self.running.bounds.of(case, track)
        if not self.running.hold(bound, track):
            return False
        self.held[case.id, track.name] = bound
        with suppress(Unavailable):
            await self.asks.ask(case, track.name)
        return True

    async def again(self, case: Case, track: Track) -> bool:
        bound = self.held.get((case.id, track.name))
        if bound is None or case.change is None:
            return True
        try:
            heard = await self.asks.ask(case, track.name, again=1)
        except Unavailable:
            self.running.purse.pay(bound, 0.0)
            return True
        cost = paid(self.running.bounds.prices.get(track.model, Price()), heard.usage, heard.calls)
        self.running.purse.pay(bound, cost)
        before = self.running.done[case.id, track.name]
        served = heard.turn.track != "none"
        self.running.keep(_noticed(before, case.change, heard.turn.text if served else "", cost))
        self.done += 1
        self.tell(self.done, self.of, self.running.purse.spent)
        return True


def _noticed(before: Answered, change: Change, text: str, cost: float) -> Answered:
    stale, fresh = says(text, change.stale or change.old), says(text, change.fresh or change.new)
    return replace(before, again=text, stale=stale, fresh=fresh, paid=before.paid + cost)


async def measure(running: Running, bus: Bus, given: Settings, folder: Path, *, parallel: int, tell: Tell) -> None:
    """Both rounds, for what is answered and was not measured in this way yet; `folder`: of the scratch world, gone at the
    end."""
    pairs = [pair for pair in running.pairs() if _open(running.done.get((pair[0].id, pair[1].name)), pair[0])]
    if not pairs or running.stopped:
        return
    changed = await world(bus, [case for case, _ in pairs])
    async with (
        scratch(given, running.assistant, folder, changed.before) as place,
        asking(place.bus, given.secret_key(), running.asking.run, seconds=running.asking.seconds) as asks,
    ):
        rounds = Freshness(running, asks, tell, len(pairs))
        await place.hold({}, changed.words("old"))
        await each(pairs, rounds.first, parallel=parallel)
        await place.hold(changed.after, changed.words("new"))
        await each(pairs, rounds.again, parallel=parallel)
    shutil.rmtree(folder, ignore_errors=True)


def _open(one: Answered | None, case: Case) -> bool:
    return case.change is not None and one is not None and one.stale is None and one.outcome not in COULD_NOT
