"""An unclear message put to a model: which of the likely intents is it? One of them counts as an answer, nothing else does."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from importlib.resources import files

import structlog

from core.assistant import Assistant
from core.dialog.models.contract import Message, Model, Spent
from core.dialog.routing import Decision
from core.errors import ModelError
from core.records import Usage

LONGEST = 200
"""Characters of an answer that are read; a name is shorter."""

SHOWN = 5
"""Examples of each candidate that the model sees."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Chosen:
    """`intent` "": the model chose none; `why` says what it did, for people."""

    intent: str
    why: str
    usage: Usage = Usage()


async def choose(model: Model, decision: Decision, assistant: Assistant, text: str) -> Chosen:
    """The intent that the model picks of the decision's candidates, within `unsure_seconds`. Where the model fails, the message
    is asked back about."""
    names = tuple(name for name, _ in decision.candidates)
    spent = Spent()
    said = ""
    try:
        async with asyncio.timeout(assistant.about.unsure_seconds):
            said = await _said(model, _asked(assistant, names, text), spent)
    except TimeoutError:
        return _none(model, f"took longer than {assistant.about.unsure_seconds:g} s", spent)
    except ModelError as error:
        return _none(model, f"failed: {error}", spent)
    named = said.strip().strip("\"'`.").casefold()
    if named not in names:
        return _none(model, "chose none of the likely intents", spent)
    return Chosen(named, f"{spent.model or model.name} chose {named}", spent.usage)


async def _said(model: Model, messages: tuple[Message, ...], spent: Spent) -> str:
    said = ""
    async with aclosing(model.stream(messages, spent=spent)) as pieces:
        async for piece in pieces:
            said += piece
            if len(said) > LONGEST:
                break
    return said


def _none(model: Model, what: str, spent: Spent) -> Chosen:
    log.info("an unclear message is asked back about", model=model.name, reason=what)
    return Chosen("", f"{spent.model or model.name} {what}", spent.usage)


def _asked(assistant: Assistant, names: tuple[str, ...], text: str) -> tuple[Message, ...]:
    known = {intent.name: intent for intent in assistant.intents}
    listed = "\n".join(f"{name}: {known[name].words}. E.g. {' | '.join(known[name].examples[:SHOWN])}" for name in names)
    prompt = files("core.dialog").joinpath("choosing.txt").read_text("utf-8")
    return (Message(role="system", content=prompt), Message(role="user", content=f"Intents:\n{listed}\n\nMessage:\n{text}"))
