"""`turnout eval intents`: judge the examples and a file of messages, print, keep and show it, compare with the last run."""

import sys
import time
from pathlib import Path

import click
import numpy as np

from core import assistant, settings, toml_lines
from core.dialog.routing import labelled, texts_of
from core.errors import ConfigError, TurnoutError
from core.evaluation import kept
from core.evaluation.intents.advising import advice
from core.evaluation.intents.judged import FILE, OWN, Judge
from core.evaluation.intents.measuring import Change, Run, auroc, by_intent, compare, figures
from core.evaluation.intents.page import page
from core.evaluation.intents.reading import taught
from core.evaluation.intents.stated import WAYS, stated
from core.evaluation.intents.stated import kept as kept_promises

FOLDER = Path("evaluation") / "intents"


class Worse(TurnoutError):
    """Intents are told apart worse than before."""


@click.command()
@click.argument("messages", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--tolerance", default=0.02, show_default=True, help="How much worse a figure may get.")
@click.option("--words", is_flag=True, help="Judge by words alone, also where the assistant reads meaning too.")
def intents(messages: Path | None, tolerance: float, words: bool) -> None:
    """Tell how well the intents are told apart, as the assistant reads messages, and which examples to add.

    Judges the assistant's own examples by cross-validation, and MESSAGES, a file of JSON lines or CSV with `text`, `intent`,
    empty for out of scope, and, if you like, `near` for what is out of scope but close to it. What reads meaning takes the
    running Turnout. Exit status 1: a figure is worse than in the last run by more than the tolerance, and not by chance.
    """
    given = settings.load()
    file = assistant.read(given.assistant)
    if len(file.intents) < 2:
        raise ConfigError(f"{given.assistant}: there are fewer than two intents to tell apart")
    read = labelled.read(messages, {intent.name for intent in file.intents}) if messages else []
    places = toml_lines.lines(given.assistant.read_text("utf-8-sig"))
    lines = {(at[1], at[3]): n for at, n in places.items() if len(at) == 4 and at[0] == "intents" and at[2] == "examples"}
    known = labelled.calibration(file, given.assistant)
    texts = [*texts_of(file), *(one.text for one in [*known, *read])]
    vectors = None if words else taught(given, file, texts)
    judged, router = Judge(file, vectors, known)(lines, read, _tell)  # type: ignore[arg-type]
    name = f"{messages.name if messages else 'examples'}{'' if vectors is None else ', by words and meaning'}"
    run = Run(questions=name, at=time.time(), judged=tuple(judged), promises=stated(router, meant=vectors is not None))
    before = kept.last(given.data / FOLDER, Run, name)
    changes = compare(before, run, tolerance) if before else []
    told = advice(file, judged)
    path = kept.keep(given.data / FOLDER, run)
    shown = path.with_suffix(".html")
    shown.write_text(page(run, told, changes), "utf-8")
    _print(run, told, changes)
    click.echo(f"\nkept in {path}, to look at: {shown}")
    if worse := [one for one in changes if one.worse]:
        raise Worse("worse than the last run: " + ", ".join(f"{one.measure} ({one.part}) {one.by.value:+.3f}" for one in worse))


def _print(run: Run, told: list[str], changes: list[Change]) -> None:
    since = {(one.part, one.measure): f"   {one.by.value:+.3f} since the last run" for one in changes}
    for part in (OWN, FILE):
        judged = [one for one in run.judged if one.part == part]
        if not judged:
            continue
        click.echo(f"{part}: {len(judged)} messages")
        for name, figure in figures(judged).items():
            more = since.get((part, name), "")
            click.echo(f"  {name:28}{figure.value:6.3f}  {figure.low:.3f} to {figure.high:.3f}  n {figure.n}{more}")
        if any(not one.intent for one in judged) and any(one.intent for one in judged):
            click.echo(f"  {'out of scope, AUROC':28}{auroc(judged):6.3f}")
            click.echo(f"  {'near out of scope, AUROC':28}{auroc([one for one in judged if one.intent or one.near]):6.3f}")
        rows = [*by_intent(judged)]
        click.echo(f"  {'macro-F1':28}{np.mean([f1 for *_, f1 in rows]):6.3f}")
        for name, exact, recall, f1 in rows:
            shown = (f"{one.value:.2f}" if one else "  – " for one in (exact, recall))
            click.echo(f"    {name:26} precision {next(shown)}  recall {next(shown)}  F1 {f1:.2f}")
        for one in kept_promises(run.promises, judged):
            wrong = f"{one.wrong.value:6.3f}  {one.wrong.low:.3f} to {one.wrong.high:.3f}  n {one.wrong.n}"
            verdict = f"{WAYS[one.stated.meant]}, stated {one.stated.risk:.3f}: {one.verdict}"
            click.echo(f"  {'wrong among the answered':28}{wrong}   {verdict}")
    times = np.quantile([one.ms for one in run.judged], [0.5, 0.95])
    click.echo(f"{times[0]:.2f} ms a message, 95 % within {times[1]:.2f} ms, without embedding")
    by_words = sum(not one.meant for one in run.judged)
    if by_words < len(run.judged):
        click.echo(f"by words and meaning, {by_words} of {len(run.judged)} by words alone, for their language is not read")
    for promise in run.promises:
        click.echo(f"{WAYS[promise.meant]}: {promise.told}")
    click.echo("\n".join(["", *told[:20], *([f"… {len(told) - 20} more on the page"] if len(told) > 20 else [])]))


def _tell(done: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[Ktraining {done + 1}/{of}", nl=done + 1 == of, err=True)
