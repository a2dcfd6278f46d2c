"""The running summary: what a conversation said before the part that memory keeps word for word."""

from importlib.resources import files

import structlog

from core.dialog.models.contract import Message, Model, Spent
from core.errors import ModelError
from core.memory import Exchange

LONGEST = 1500  # characters
LINE = 160

log = structlog.get_logger()


async def summarise(model: Model, summary: str, gone: tuple[Exchange, ...]) -> str:
    """The summary with older exchanges taken in: by the model, or as a list of what was said where there is none."""
    if model.name == "extractive":
        return outline(summary, gone)
    said = "\n".join(f"User: {exchange.asked}\nAssistant: {exchange.answered}" for exchange in gone)
    prompt = files("core.dialog").joinpath("summary.txt").read_text("utf-8")
    messages = (
        Message(role="system", content=prompt),
        Message(role="user", content=f"Summary so far:\n{summary or '(none)'}\n\nNew exchanges:\n{said}"),
    )
    try:
        pieces = [piece async for piece in model.stream(messages, spent=Spent())]
    except ModelError as error:
        log.warning("summary by outline", reason=str(error))
        return outline(summary, gone)
    return "".join(pieces)[:LONGEST]


def outline(summary: str, gone: tuple[Exchange, ...]) -> str:
    """One line an exchange, the newest kept when it grows too long."""
    lines = summary.splitlines() + [f"- {_short(exchange.asked)} → {_short(exchange.answered)}" for exchange in gone]
    while len(lines) > 1 and sum(len(line) + 1 for line in lines) > LONGEST:
        lines.pop(0)
    return "\n".join(lines)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LINE else line[: LINE - 1] + "…"
