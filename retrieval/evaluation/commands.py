"""`turnout eval retrieval`: ask the running service the owner's questions, print and keep the figures, compare with the last
run."""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import click
import msgspec

from core import assistant, settings
from core.bus import Bus
from core.connecting import connected
from core.errors import ConfigError, TurnoutError, Unavailable
from core.evaluation import kept
from core.knowledge import Document, DocumentRequest, SearchRequest, SearchResult
from core.progress import line
from core.records import decode, encode
from core.settings import Settings
from retrieval.evaluation import asking, pace, runs
from retrieval.evaluation.abstention import area, curve
from retrieval.evaluation.generating import generate
from retrieval.evaluation.page import page
from retrieval.evaluation.questions import Question, read
from retrieval.evaluation.questions import write as write_questions
from retrieval.evaluation.rebuilding import Library
from retrieval.evaluation.runs import ALL, Change, Run, Searched
from retrieval.evaluation.thumbs import liked
from retrieval.records import Status

PATIENCE = 30.0
FOLDER = Path("evaluation") / "retrieval"
BESIDE, GENERATED = "questions.jsonl", "generated.jsonl"


class Worse(TurnoutError):
    """The search has become worse."""


@dataclass(frozen=True, slots=True)
class Choices:
    """How to ask: `k` passages an answer; `tolerance` is how much worse a figure may get."""

    k: int
    seed: int = 0
    tolerance: float = 0.02
    noise: bool = True
    tune: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which questions: those of a file, those liked in the log, or so many written by the model."""

    questions: Path
    from_log: bool = False
    generate: int = 0


@click.command()
@click.argument("questions", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--from-log", is_flag=True, help="Ask what people asked whose cited answers got a thumb up.")
@click.option(
    "--generate",
    "count",
    type=click.IntRange(1),
    metavar="N",
    help="Ask N questions that the configured model writes.",
)
@click.option("--suggest", "tune", is_flag=True, help="Try settings on half of the questions, prove the best on the rest.")
@click.option("--k", type=click.IntRange(1, 50), default=None, help="Passages an answer.  [default: knowledge.passages]")
@click.option("--seed", default=0, show_default=True, help="Of the misspellings, the questions drawn and the splits.")
@click.option("--tolerance", default=0.02, show_default=True, help="How much worse a figure may get.")
@click.option("--noise/--no-noise", default=True, help="Also ask each question badly written.")
def retrieval(questions: Path | None, k: int | None, from_log: bool, count: int | None, **more: float) -> None:
    """Ask the running retrieval service QUESTIONS and tell how good it is.

    QUESTIONS is a file of JSON lines or CSV; without it, questions.jsonl beside the assistant file. Exit status 1: a figure is
    worse than in the last run by more than the tolerance, or a search slower, and not by chance.
    """
    if sum(map(bool, (questions, from_log, count))) > 1:
        raise click.UsageError("choose one: a file of questions, --from-log, or --generate")
    given = settings.load()
    passages = k or assistant.read(given.assistant).knowledge.passages
    choices = Choices(passages, int(more["seed"]), more["tolerance"], bool(more["noise"]), bool(more["tune"]))
    asyncio.run(_evaluate(given, Wanted(questions or given.assistant.parent / BESIDE, from_log, count or 0), choices))


async def _evaluate(given: Settings, wanted: Wanted, choices: Choices) -> None:
    read_before = [] if wanted.from_log or wanted.generate else read(wanted.questions)
    async with connected(given, name="eval", absent=NOT_RUNNING) as bus:
        if wanted.from_log:
            name, questions = "log", await liked(bus)
            if not questions:
                raise TurnoutError("the log holds no question whose cited answer got a thumb up yet")
        elif wanted.generate:
            name, questions = GENERATED, await _generate(bus, given, wanted.generate, choices.seed)
        else:
            name, questions = wanted.questions.name, read_before
        if choices.tune:
            await _suggest(given, questions, choices)
        else:
            await measure(bus, given, questions, name=name, choices=choices)


async def _suggest(given: Settings, questions: Sequence[Question], choices: Choices) -> None:
    """On a copy of the index, in this process."""
    from retrieval.evaluation.suggest import Candidate, Trial, told
    from retrieval.service import make_setup

    file = assistant.read(given.assistant)
    setup = await asyncio.to_thread(make_setup, file)
    share = setup.weights.lexical / (setup.weights.lexical + setup.weights.dense) if setup.embedder else None
    now = Candidate(file.knowledge.passage_words, choices.k, share)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="turnout-eval")))
        library = stack.enter_context(closing(Library(given.data / "index", folder, setup)))
        found = await Trial(library, now, line).suggest(questions, choices.seed)
    line("")
    click.echo(told(found))


async def _generate(bus: Bus, given: Settings, count: int, seed: int) -> list[Question]:
    """Written by the configured model, and kept, so that the same can be asked again."""
    model = given.model or assistant.read(given.assistant).models.prompt
    if not model or not (given.openai_api_key or given.openai_base_url):
        raise ConfigError("--generate needs a model: set TURNOUT_MODEL, and OPENAI_BASE_URL or OPENAI_API_KEY")
    from retrieval.served import Served

    server = Served(api_key=given.openai_api_key, base_url=given.openai_base_url)
    documents = await _documents(bus)
    write = partial(server.write, model)
    try:
        made = await asyncio.to_thread(generate, documents, write, count=count, seed=seed, tell=tell)
    finally:
        server.close()
    path = given.data / FOLDER / GENERATED
    write_questions(path, made)
    click.echo(f"{len(made)} questions written by {model}: {path}; ask them again with `turnout eval retrieval {path}`\n")
    return made


async def _documents(bus: Bus) -> list[Document]:
    status = await _status(bus)
    asked = [DocumentRequest(source=one.source) for one in status.listed]
    found = [decode(Document, await bus.request("retrieval.document", encode(one), timeout=PATIENCE)) for one in asked]
    return [document for document in found if document.text]


async def measure(bus: Bus, given: Settings, questions: Sequence[Question], *, name: str, choices: Choices) -> None:
    """One run: asked, kept, shown. Raises Worse."""
    searched = await _searched(bus)
    asked = await asking.ask(searching(bus), questions, k=choices.k, seed=choices.seed, noise=choices.noise, tell=tell)
    folder = given.data / FOLDER
    before = kept.last(folder, Run, name)
    run = runs.make(name, asked, k=choices.k, seed=choices.seed, searched=searched)
    run = msgspec.structs.replace(run, pace=await _paced(bus, [one.request(choices.k) for one in questions], before))
    changes = runs.compare(before, run, tolerance=choices.tolerance) if before else []
    path = kept.keep(folder, run)
    shown = path.with_suffix(".html")
    shown.write_text(page(run, changes, before), "utf-8")
    click.echo("\n".join(summary(run, changes, before)))
    click.echo(f"\nkept in {path}, to look at: {shown}")
    worse = [f"{one.measure} ({one.slice}) {one.by.value:+.3f}" for one in changes if one.worse]
    if before and pace.slower(before.pace, run.pace):
        worse.append(f"a search takes {median(run.pace):.1f} times an idle request, not {median(before.pace):.1f}")
    if worse:
        raise Worse("worse than the last run: " + ", ".join(worse))


async def _paced(bus: Bus, requests: Sequence[SearchRequest], before: Run | None) -> tuple[float, ...]:
    """The pace of a run; measured again where it is slower, because it may have been a bad moment."""
    question = encode(DocumentRequest(source=""))

    async def idle() -> bytes:
        return await bus.request("retrieval.document", question, timeout=PATIENCE)

    found = await pace.measure(searching(bus), idle, requests)
    return await pace.measure(searching(bus), idle, requests) if before and pace.slower(before.pace, found) else found


def summary(run: Run, changes: Sequence[Change], before: Run | None) -> list[str]:
    """The figures of all questions, with what they were."""
    searched = run.searched
    lines = [
        f"{len(run.asked)} questions, {searched.documents} documents, {searched.passages} passages,"
        f" searched by {searched.embedder or 'words alone'}; {run.k} passages an answer",
        *([f"! {searched.waiting} passages have no vector yet: the figures will change"] if searched.waiting else []),
        f"{'':26}{'':>8}  {'95 % interval':18}{'n':>5}" + ("   since the last run" if before else ""),
    ]
    since = {change.measure: change for change in changes if change.slice == ALL}
    for name, figure in run.slices[0].figures.items():
        places = 1 if name.endswith("ms") else 3
        interval = f"{figure.low:.{places}f} to {figure.high:.{places}f}"
        change = since.get(name)
        told = f"   {change.by.value:+.3f} ({change.by.low:+.3f} to {change.by.high:+.3f})" if change else ""
        lines.append(f"{name:26}{figure.value:8.{places}f}  {interval:18}{figure.n:5}{told}")
    if run.pace:
        told = f"   {median(before.pace):.1f} last time" if before and before.pace else ""
        fifths = f"{min(run.pace):.1f} to {max(run.pace):.1f}, by fifths"
        lines.append(f"{'times an idle request':26}{median(run.pace):8.1f}  {fifths}{told}")
    lines.append(f"{'risk, mean over coverage':26}{area(curve(run.asked)):8.3f}")
    return lines


def searching(bus: Bus) -> asking.Search:
    """The search of the running service."""

    async def search(request: SearchRequest) -> SearchResult:
        return decode(SearchResult, await bus.request("retrieval.search", encode(request), timeout=PATIENCE))

    return search


async def _status(bus: Bus) -> Status:
    try:
        return decode(Status, await bus.request("retrieval.status", encode(Status()), timeout=PATIENCE))
    except Unavailable as error:
        raise Unavailable(f"{NOT_RUNNING} ({error})") from None


async def _searched(bus: Bus) -> Searched:
    status = await _status(bus)
    return Searched(**{name: getattr(status, name) for name in Searched.__struct_fields__})


def tell(done: int, of: int) -> None:
    line(f"{done}/{of} questions" if done < of else "")


NOT_RUNNING = "the retrieval service does not answer: start it with `turnout up` or `turnout serve retrieval`"
