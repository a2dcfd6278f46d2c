"""What a model is sent: the persona, what was said before, the question; with passages as data that is marked as such."""

import re
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from core.dialog.models.contract import Message
from core.dialog.tracks.contract import Ask
from core.knowledge import STEP, Passage

_TAG = re.compile(r"<(?=/?\s*passages?\b)", re.IGNORECASE)
_MARK = re.compile(r" ?\[\d{1,2}\]")


def plain(ask: Ask) -> tuple[Message, ...]:
    """The conversation and the question, with no passages."""
    return (_system("prompt", ask), *history(ask), Message(role="user", content=ask.text))


def grounded(ask: Ask, passages: tuple[Passage, ...]) -> tuple[Message, ...]:
    """The conversation and the question with numbered passages."""
    content = _template("question").substitute(question=ask.text, passages=numbered(passages))
    return (_system("rag", ask), *history(ask), Message(role="user", content=content.strip()))


def rewriting(ask: Ask) -> tuple[Message, ...]:
    """The conversation, of whose last message a query is to be made."""
    return (_system("rewrite", ask), *history(ask), Message(role="user", content=ask.text))


def history(ask: Ask) -> tuple[Message, ...]:
    """The recent exchanges. Marks of earlier citations are left out: their numbers mean nothing any more."""
    said = []
    for exchange in ask.conversation.exchanges:
        if exchange.asked and exchange.answered:
            said.append(Message(role="user", content=exchange.asked))
            said.append(Message(role="assistant", content=_MARK.sub("", exchange.answered)))
    return tuple(said)


def numbered(passages: tuple[Passage, ...]) -> str:
    """The passages as delimited data. Their text cannot end its own delimiter."""
    return "\n".join(_delimited(n, passage) for n, passage in enumerate(passages, start=1))


def _delimited(n: int, passage: Passage) -> str:
    title = escape(STEP.join(part for part in (passage.title, passage.heading) if part))
    return f'<passage n="{n}" title="{title}">\n{_TAG.sub("&lt;", passage.text)}\n</passage>'


def _system(name: str, ask: Ask) -> Message:
    content = _template(name).substitute(assistant=ask.assistant, persona=ask.persona)
    if ask.conversation.summary:
        content += "\n" + _template("summary").substitute(summary=ask.conversation.summary)
    return Message(role="system", content=content.strip())


@cache
def _template(name: str) -> Template:
    return Template(files("core.dialog.tracks.prompts").joinpath(f"{name}.txt").read_text("utf-8"))
