"""`turnout routes advise`: a few questions, and starting routes with what each rests on."""

import sys
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from core import assistant, settings
from core.assistant import Assistant, Intent
from core.errors import ConfigError
from core.policy.advice import CRITERIA, Advice, Card, Rule, rules
from core.policy.advice import advise as advice
from core.policy.planning import needs
from core.policy.routes import Route, Routes
from core.records import encode
from core.routes.proposals import ADVICE
from core.routes.telling import arrows, table

POINTS = 10
ASKED = {
    "volume": "How often is each thing asked? low: under 1,000 a month, medium: under 10,000, high",
    "real_time": "Must answers hold what is true only at this moment (an order's state, a stock)?",
    "form": "Must answers have a form of their own? tone: a voice to be learned, format: a fixed shape",
    "sources": "Must answers show where they come from?",
    "budget": "What may be spent before the first answer (data, training)?",
    "latency": "How soon must an answer be there? instant: within a second",
    "privacy": "May what people write, and your documents, leave the house? open: yes, inside: no",
    "examples": "How many good answers by people are there to learn from? some: from 200, many: from 2,000",
}
USUAL = {
    "volume": "medium",
    "real_time": "no",
    "form": "free",
    "sources": "yes",
    "budget": "low",
    "latency": "seconds",
    "privacy": "open",
    "examples": "none",
}
RESTS = {"published": "published finding", "measured": "measured here", "asserted": "an assertion, to be measured"}


@click.command("advise")
@click.option(
    "--set", "given", multiple=True, metavar="[INTENT:]CRITERION=ANSWER", help="Answer beforehand; as often as you like."
)
@click.option(
    "--answers", type=click.Path(path_type=Path, dir_okay=False), help="A TOML file of answers; [intents.NAME] for one."
)
@click.option("--yes", is_flag=True, help="Ask nothing: what is not answered is as usual.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the proposal here.")
def advise(given: tuple[str, ...], answers: Path | None, yes: bool, out: Path | None) -> None:
    """Propose starting routes for who has measured nothing yet, and say what each rests on.

    Volatility, risk and fixed words of an intent are as the assistant file says. What is proposed is an opinion: `turnout
    routes apply` takes it and marks it so, `turnout eval tracks` replaces it with a measurement.
    """
    loaded = settings.load()
    file = assistant.read(loaded.assistant)
    if not file.intents:
        raise ConfigError(f"{loaded.assistant} has no intents: advice is given for each of them")
    told = _told(answers, given, file)
    common = told.get("", {}) if yes or not sys.stdin.isatty() else _ask(told.get("", {}))
    found = [_advised(intent, {**USUAL, **common, **told.get(intent.name, {})}, loaded, file) for intent in file.intents]
    click.echo("\n".join(_lines(found, file)))
    path = out or loaded.data / ADVICE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(_proposal(found)))
    click.echo(f"\nan opinion, written to {path}; put it in force with: turnout routes apply {path}")


def _ask(known: Mapping[str, str]) -> dict[str, str]:
    click.echo("For all intents; Enter takes what stands in brackets. --set INTENT:CRITERION=ANSWER says otherwise for one.")
    return {**known, **{name: _prompt(name) for name in ASKED if name not in known}}


def _prompt(name: str) -> str:
    return str(click.prompt(ASKED[name], type=click.Choice(CRITERIA[name]), default=USUAL[name]))


def _told(path: Path | None, given: Sequence[str], file: Assistant) -> dict[str, dict[str, str]]:
    """Answers by intent ("": all) and criterion, options over the file. Raises ConfigError for what is no answer."""
    found: dict[str, dict[str, str]] = {}
    for intent, criterion, answer in (*_from_file(path), *map(_from_option, given)):
        if intent and intent not in {known.name for known in file.intents}:
            raise ConfigError(f"{intent}:{criterion}: the assistant file has no intent {intent!r}")
        if criterion not in CRITERIA:
            raise ConfigError(f"{criterion!r} is no criterion: known are {', '.join(CRITERIA)}")
        if answer not in CRITERIA[criterion]:
            raise ConfigError(f"{criterion} is one of {', '.join(CRITERIA[criterion])}, not {answer!r}")
        found.setdefault(intent, {})[criterion] = answer
    return found


def _from_file(path: Path | None) -> Iterator[tuple[str, str, str]]:
    if path is None:
        return
    try:
        read: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path} ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML: {error}") from None
    intents = read.pop("intents", {})
    for intent, answers in {"": read, **(intents if isinstance(intents, dict) else {"intents": intents})}.items():
        if not isinstance(answers, dict):
            raise ConfigError(f"{path}: {intent} must be a table of answers")
        yield from ((intent, name, _plain(answer)) for name, answer in answers.items())


def _from_option(text: str) -> tuple[str, str, str]:
    name, equals, answer = text.partition("=")
    intent, colon, criterion = name.rpartition(":")
    if not equals or (colon and not intent):
        raise ConfigError(f"--set {text!r}: write CRITERION=ANSWER or INTENT:CRITERION=ANSWER")
    return intent, criterion, answer


def _plain(answer: object) -> str:
    return {True: "yes", False: "no"}.get(answer, str(answer)) if isinstance(answer, bool) else str(answer)


def _advised(intent: Intent, answers: Card, loaded: settings.Settings, file: Assistant) -> Advice:
    from core.routes.present import left_out

    own = {"volatility": intent.volatility, "risk": intent.risk, "fixed": "yes" if intent.template else "no"}
    runs = {*assistant.BUILT_IN_TRACKS} - {*left_out(loaded, file)}
    return advice(intent.name, {**own, **answers}, rules(), runs=runs)


def _proposal(found: Sequence[Advice]) -> Routes:
    routes = tuple(
        Route(intent=one.intent, tracks=one.tracks, because=tuple(rule.claim for rule in one.because)) for one in found
    )
    return Routes(number=0, routes=routes, at=time.time(), by="turnout routes advise", note="advice, nothing is measured")


def _lines(found: Sequence[Advice], file: Assistant) -> Iterator[str]:
    cited = list({rule.name: rule for one in found for rule in one.because}.values())
    numbers = {rule.name: place for place, rule in enumerate(cited, 1)}
    cases = {need.intent: need.cases for need in needs({intent.name: intent.risk for intent in file.intents}, POINTS)}
    rows = [("intent", "start with", "because", "measure first")]
    for one in found:
        rows.append((one.intent, arrows(one.tracks), _numbered(numbers[rule.name] for rule in one.because), _first(one, cases)))
    yield from table(rows)
    yield ""
    yield from (_cited(numbers[rule.name], rule) for rule in cited)


def _first(one: Advice, cases: Mapping[str, int]) -> str:
    """What to measure first, with how many questions."""
    if not one.first:
        return "nothing"
    when = "" if one.built else ", once it is there"
    return f"{one.first} against {one.tracks[0]}{when}: {cases[one.intent]} questions tell {POINTS} points"


def _numbered(places: Iterable[int]) -> str:
    return "".join(f"[{place}]" for place in sorted(places))


def _cited(number: int, rule: Rule) -> str:
    return f"[{number}] {rule.claim}\n    {RESTS[rule.rests]}: {rule.source}"
