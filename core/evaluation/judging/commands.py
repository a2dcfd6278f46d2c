"""`turnout eval judge LABELS`: whether a model may judge, told by people's labels."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import click

from core import assistant, settings
from core.assistant import Assistant
from core.connecting import connected
from core.dialog import models
from core.errors import ConfigError, RecordError
from core.evaluation.judging import calibration, meaning
from core.evaluation.judging.calibration import Judged, Label
from core.evaluation.judging.meaning import Meaning
from core.evaluation.judging.model import ModelJudge
from core.evaluation.tracks.available import available
from core.evaluation.tracks.records import Judge
from core.records import decode, encode
from core.settings import Settings
from core.tokens import for_model

FOLDER = Path("evaluation") / "judges"
REPORTS_ONLY = 3
AT_ONCE = 4


@click.command()
@click.argument("labels", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--model", default="", help="The judge, or `embeddings`.  [default: measure.judge]")
def judge(labels: Path, model: str) -> None:
    """Tell by people's LABELS whether a model, or the vectors of retrieval (`embeddings`), may judge answers.

    LABELS is a file of JSON lines or CSV: question, claim, answer, and whether a person found the claim stated. At least 200
    are needed, and κ .6. What it is worth is kept; `turnout eval tracks` lets it decide only then. Exit status 3: it may not.
    """
    given = settings.load()
    file = assistant.read(given.assistant)
    name = model or file.measure.judge
    if not name:
        raise ConfigError("no judge is named: set judge in [measure], or give --model")
    found = asyncio.run(_calibrated(given, file, name, calibration.read(labels)))
    path = keep(given.data, found)
    click.echo("\n".join(told(found)))
    click.echo(f"kept in {path}")
    sys.exit(0 if found.decides else REPORTS_ONLY)


def told(judge: Judge) -> list[str]:
    role = "may decide" if judge.decides else f"may report, and decides nothing: {judge.why}"
    near = [f"  a sentence says it from  a likeness of {judge.threshold:.2f} on, by {judge.embedder}"] if judge.embedder else []
    return [
        f"{judge.model} {role}",
        *near,
        f"  agreement with people  κ {judge.kappa:.2f} on {judge.labels} labels (at least .60 on 200)",
        f"  turns with the order   {judge.flips:.1%} (at most 10 %)",
        f"  length adds to a yes   {judge.length_bias:+.2f} (at most ±.10)",
    ]


def open_judge(given: Settings, file: Assistant, name: str) -> ModelJudge:
    """Raises ConfigError where there is no server to ask. Whoever opens it closes its model."""
    if not (given.openai_api_key or given.openai_base_url):
        raise ConfigError(f"the judge {name!r} needs a model server: set OPENAI_BASE_URL or OPENAI_API_KEY")
    return ModelJudge(models.named(name, file.models, given, for_model(name, given.data)))


async def _calibrated(given: Settings, file: Assistant, name: str, labels: Sequence[Label]) -> Judge:
    limit = asyncio.Semaphore(AT_ONCE)
    if name == meaning.NAME:
        async with connected(given, name="judge") as bus:
            return await Meaning(bus).measured(labels)
    made = open_judge(given, file, name)

    async def one(label: Label) -> Judged:
        async with limit:
            return Judged(label, await made.states(label.question, label.claim, label.answer))

    async with aclosing(made.model):
        judged = await asyncio.gather(*map(one, labels))
    return calibration.measured(name, judged, [track.model for track in available(file, given) if track.model])


def keep(data: Path, judge: Judge) -> Path:
    path = _path(data, judge.model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(judge))
    return path


def kept(data: Path, model: str) -> Judge:
    """What a judge was found to be worth; one that nobody measured decides nothing."""
    try:
        return decode(Judge, _path(data, model).read_bytes())
    except (OSError, RecordError):
        return Judge(model=model, why="nobody compared it with people: `turnout eval judge LABELS`")


def _path(data: Path, model: str) -> Path:
    return data / FOLDER / f"{''.join(letter if letter.isalnum() else '-' for letter in model)}.json"
