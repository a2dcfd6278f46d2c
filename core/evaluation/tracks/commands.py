"""`turnout eval tracks`: the owner's questions asked of every track, judged, compared, and routes proposed with their
evidence."""

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from core import assistant, settings
from core.assistant import Assistant
from core.bus import Bus
from core.connecting import connected
from core.errors import ConfigError
from core.evaluation.judging import commands as judges
from core.evaluation.judging import meaning
from core.evaluation.judging.checks import Checks
from core.evaluation.judging.meaning import Meaning
from core.evaluation.judging.refusing import sayings
from core.evaluation.tracks import cases as files
from core.evaluation.tracks import freshness, money, people, report
from core.evaluation.tracks.asking import asking
from core.evaluation.tracks.available import PERSON, asked, available
from core.evaluation.tracks.deciding import conclude
from core.evaluation.tracks.fingerprints import made_with
from core.evaluation.tracks.grading import Grading
from core.evaluation.tracks.header import behind, header, settled
from core.evaluation.tracks.judging import Judging
from core.evaluation.tracks.keeping import REPORT, ROUTES, Kept, find, fresh, unfinished
from core.evaluation.tracks.matching import Matching
from core.evaluation.tracks.money import Bounds, Purse
from core.evaluation.tracks.people import Spoken
from core.evaluation.tracks.records import Case, Judge, Run, Track
from core.evaluation.tracks.running import Running, Tell
from core.evaluation.tracks.summary import summary
from core.progress import line
from core.settings import Settings

BESIDE = "questions.jsonl"
SCRATCH = "scratch"
STOPPED, INFEASIBLE, UNSOUND = 3, 4, 5
CHANGED = ("documents", "models", "prompts")


@dataclass(frozen=True, slots=True)
class Choices:
    """`only`: tracks by name, empty: all. `most`: the most to spend, 0: no limit. `anew`: carry on nothing. `person`: a
    file of what people answered."""

    only: tuple[str, ...] = ()
    parallel: int = 4
    most: float = 0.0
    anew: bool = False
    person: Path | None = None


@click.command()
@click.argument("questions", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--track", "only", multiple=True, help="Ask this track; may be given several times.  [default: all that can run]")
@click.option("--parallel", type=click.IntRange(1, 64), default=4, show_default=True, help="Questions asked at once.")
@click.option(
    "--most",
    type=click.FloatRange(0, min_open=True),
    callback=lambda _context, _option, value: value or 0.0,
    help="Stop before more money than this is spent.",
)
@click.option(
    "--person", type=click.Path(path_type=Path, dir_okay=False), help="What people answered: id or question, answer, seconds."
)
@click.option(
    "--as", "audience", default="", metavar="NAME,…", help="Ask as somebody of these [[audiences]], where a question says none."
)
@click.option("--new", "anew", is_flag=True, help="Begin anew, also where the last run was cut off.")
@click.option("--again", metavar="RUN", help="Ask nothing: check a run that is kept, and draw its report anew.")
def tracks(questions: Path | None, again: str | None, audience: str, **chosen: Any) -> None:
    """Ask every track QUESTIONS, judge the answers, and propose routes with their evidence.

    QUESTIONS is a file of JSON lines or CSV; without it, questions.jsonl beside the assistant file. A run that was cut off goes
    on where it was. Exit status 3: stopped early, for the money; 4: an intent has no track that keeps every constraint; 5: the
    report's own checks speak against the run, so no routes are proposed.
    """
    given = settings.load()
    if again is not None:
        sys.exit(_told(*drawn_anew(given.data, again)))
    file = assistant.read(given.assistant)
    path = questions or given.assistant.parent / BESIDE
    found = files.asked_as(files.read(path), tuple(filter(None, map(str.strip, audience.split(",")))))
    files.check(found, file)
    sys.exit(_told(*asyncio.run(_evaluate(given, file, path.name, found, Choices(**chosen)))))


def _told(kept: Kept, run: Run) -> int:
    """What came of it, in words, and as an exit status."""
    click.echo("\n".join(summary(run)))
    click.echo(f"\nto look at: {kept.folder / REPORT}")
    if report.failed(run):
        click.echo("no routes are proposed: what this run says is not to be believed", err=True)
        return UNSOUND
    click.echo(f"the proposal: turnout routes diff {kept.folder / ROUTES}")
    infeasible = any(decision.verdict.kind == "infeasible" for decision in run.decisions)
    return STOPPED if run.stopped else INFEASIBLE if infeasible else 0


def drawn_anew(data: Path, name: str) -> tuple[Kept, Run]:
    """A run that is kept, with checks and report as they would be made today; its figures stay as they are."""
    kept, run = find(data, name)
    run = replace(run, checks=report.checks(run))
    kept.finish(run)
    return kept, run


async def _evaluate(given: Settings, file: Assistant, name: str, cases: Sequence[Case], choices: Choices) -> tuple[Kept, Run]:
    async with connected(given, name="eval") as bus:
        return await measure(bus, given, file, name=name, cases=cases, choices=choices)


async def measure(
    bus: Bus, given: Settings, file: Assistant, *, name: str, cases: Sequence[Case], choices: Choices
) -> tuple[Kept, Run]:
    """One run, or the rest of one that was cut off; asked, kept, concluded. `name`: of the questions."""
    found = available(file, given, choices.only)
    spoken: Mapping[str, Spoken] = {}
    if choices.person:
        found = [*(track for track in found if track.name != PERSON), people.track(choices.person, file)]
        every = people.read(choices.person)
        spoken = people.of(every, cases)
        click.echo(people.told(spoken, every, cases), err=True)
    if not asked(found):
        raise ConfigError("no track can be asked: " + "; ".join(f"{track.name}: {track.left_out}" for track in found))
    if choices.most:
        judge_too = [Track(name="the judge", model=file.measure.judge)]
        money.check([*asked(found), *judge_too], money.prices(file))
    await freshness.world(bus, cases)
    await settled(bus)
    run = await header(bus, given, file, cases=cases, tracks=found)
    run = replace(run, questions=name, most=choices.most)
    kept = begin(given.data, run, anew=choices.anew)
    return kept, await carry_out(bus, given, file, kept, choices, spoken=spoken)


def begin(data: Path, run: Run, *, anew: bool) -> Kept:
    """The folder of the run: the one that was cut off, where it was about the same, else a new one."""
    kept = None if anew else unfinished(data, run.made_with["questions"])
    if kept:
        begun = kept.begun
        changed = [what for what in CHANGED if begun.made_with.get(what) != run.made_with.get(what)]
        if not changed and begun.tracks == run.tracks:
            kept.begin(replace(run, id=begun.id, at=begun.at))
            click.echo(f"carrying on with {begun.id}: {len(kept.answers())} answers are there already", err=True)
            return kept
        click.echo(
            f"{begun.id} was cut off, but the {', '.join(changed) or 'tracks'} have changed since: beginning anew", err=True
        )
    kept = fresh(data, run.at)
    kept.begin(replace(run, id=kept.folder.name))
    return kept


async def carry_out(
    bus: Bus, given: Settings, file: Assistant, kept: Kept, choices: Choices, *, spoken: Mapping[str, Spoken]
) -> Run:
    """Ask what is not answered yet, take in what people answered, and conclude."""
    run = kept.begun
    progress = Progress(run.currency)
    done = {(one.case, one.track): one for one in kept.answers() if one.outcome != "failed"}
    purse = Purse(choices.most, spent=sum(one.paid for one in done.values()))
    grading = Grading(Checks(phrases=file.measure.banned, sayings=sayings(file)), bus)
    limit = file.models.whole_answer_seconds
    with kept.writing() as book:
        async with asking(bus, given.secret_key(), run.id, seconds=limit) as asks:
            bounds = Bounds(file, run.prices)
            running = Running(asks, grading, book, file, purse, bounds, run.cases, asked(run.tracks), done)
            await running.ask(parallel=choices.parallel, tell=progress)
            await hear(running, run.tracks, spoken)
            await freshness.measure(running, bus, given, kept.folder / SCRATCH, parallel=choices.parallel, tell=progress)
            asked_judges = [*await match(running, bus, given, file)]
            asked_judges += await judge(running, given, file, parallel=choices.parallel, tell=progress)
        progress.end()
        run = replace(
            run,
            ended=time.time(),
            answered=tuple(running.done.values()),
            spent=purse.spent,
            judges=tuple(asked_judges),
            stopped=running.stopped,
            left_with=await made_with(bus, file, given, run.cases),
            behind=tuple(dict.fromkeys((*run.behind, *await behind(bus)))),
        )
        run = conclude(run)
        run = replace(run, checks=report.checks(run))
        kept.finish(run)
    return run


async def hear(running: Running, tracks: Sequence[Track], spoken: Mapping[str, Spoken]) -> None:
    """Grade what people answered, like any other answer, of the questions that were asked of the tracks too."""
    asked_too = {case for case, _ in running.done}
    for track in (track for track in tracks if track.filed):
        for case in running.cases:
            if case.id in spoken and case.id in asked_too and (case.id, track.name) not in running.done:
                running.keep(await running.grade(case, people.taken(case, spoken[case.id], track)))


async def match(running: Running, bus: Bus, given: Settings, file: Assistant) -> tuple[Judge, ...]:
    """Look for facts in other words by their vectors, if the assistant file wishes it; what those are worth."""
    if file.measure.claims == "words":
        return ()
    return (await Matching(Meaning(bus), judges.kept(given.data, meaning.NAME), running).all(),)


async def judge(running: Running, given: Settings, file: Assistant, *, parallel: int, tell: Tell) -> tuple[Judge, ...]:
    """Ask the judge that the assistant file names, if any; what it is worth."""
    if not file.measure.judge:
        return ()
    worth = judges.kept(given.data, file.measure.judge)
    made = judges.open_judge(given, file, worth.model)
    async with aclosing(made.model):
        await Judging(made, worth, running, tell).all(parallel=parallel)
    return (worth,)


class Progress:
    """How far it is and how long it will take, in one line that is written over; nothing where nobody watches."""

    def __init__(self, currency: str) -> None:
        self._currency, self._began, self._before = currency, time.monotonic(), -1

    def __call__(self, done: int, of: int, spent: float) -> None:
        if self._before < 0:
            self._before = done
        gone, made = time.monotonic() - self._began, done - self._before
        left = f", about {gone / made * (of - done) / 60:.1f} minutes more" if made else ""
        line(f"{done}/{of} answers, {spent:.4f} {self._currency} spent{left}")

    def end(self) -> None:
        line("")
