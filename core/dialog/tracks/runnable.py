"""Any LangChain Runnable as a track, named by dotted path in `[tracks]` of the assistant file.

It gets `{question, query, persona, history, messages, passages, audiences}`: `history` and `messages` are LangChain messages
(the last of `messages` is the question), `passages` the Documents that search found, `audiences` those whose documents it may
use. It may return text, a message, or a dict with `answer` and, for citations, `context` documents; a graph's state with
`messages` counts by its last one. Text is shown as it streams.

A document of its own says who may read it as search's documents do, by `tags`, or by `audience` in its metadata. An answer that
rests on one which the reader may not read is withheld; what was streamed before that document came has been seen.
"""

import asyncio
import importlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from core.assistant.tables import Knowledge
from core.audience import Reader
from core.dialog.models.contract import Message
from core.dialog.tracks.citing import Rule, resolve
from core.dialog.tracks.contract import Answer, Ask, Means, Say, Track
from core.dialog.tracks.finding import Found, find, ground
from core.dialog.tracks.messages import history
from core.errors import CannotServe, ConfigError, NothingFound
from core.knowledge import Passage, Tags
from core.records import Part

if TYPE_CHECKING:
    from langchain_core.documents import Document
    from langchain_core.messages import BaseMessage
    from langchain_core.runnables import Runnable

log = structlog.get_logger(__name__)


def track(name: str, path: str, *, knowledge: Knowledge, seconds: float) -> Track:
    """The track that runs this Runnable for at most so many seconds with the passages that search finds."""
    runnable = _imported(name, path)

    async def answer(ask: Ask, means: Means, say: Say) -> Answer:
        started = time.perf_counter()
        found = await _found(ask, means, knowledge)
        result = _Result(ask.reader)
        try:
            async with asyncio.timeout(seconds):
                await _run(runnable, _input(ask, found.passages), result, say)
        except TimeoutError:
            raise CannotServe(f"{name} did not finish within {seconds:g} s") from None
        except NothingFound:
            raise
        except Exception as error:  # other people's code: whatever it raises, the next track is asked
            log.warning("a runnable failed", track=name, path=path, exc_info=error)
            raise CannotServe(f"{name} failed: {type(error).__name__}") from error
        if not result.text.strip():
            raise CannotServe(f"{name} returned no text: it must return text, a message, or a dict with `answer`")
        took = round((time.perf_counter() - started) * 1000, 2)
        return _answer(name, result, ask, found, Rule(knowledge.unsupported, knowledge.unsupported_mark), took)

    return answer


@dataclass(slots=True)
class _Result:
    """What a Runnable has returned so far."""

    reader: Reader
    text: str = ""
    context: list[Passage] = field(default_factory=list)

    def take(self, chunk: Any) -> str:
        """Take in one chunk; returns its text. Raises NothingFound for a document that the reader may not read."""
        piece = chunk
        if isinstance(chunk, dict):
            found = [_passage(one) for one in chunk.get("context") or () if hasattr(one, "page_content")]
            hidden = [ground(one) for one in found if not self.reader.may_read(ground(one))]
            if hidden:
                more = all(map(self.reader.in_private.may_read, hidden))
                raise NothingFound("it rests on what may not be read here", more=more)
            self.context += found
            messages = chunk.get("messages")
            piece = chunk.get("answer", messages[-1] if isinstance(messages, list) and messages else "")
        text = piece if isinstance(piece, str) else str(getattr(piece, "text", ""))
        self.text += text
        return text


async def _run(runnable: "Runnable[Any, Any]", given: dict[str, Any], result: _Result, say: Say) -> None:
    if hasattr(runnable, "stream_mode"):  # a graph streams updates of its state, not its answer
        await say(result.take(await runnable.ainvoke(given)))
        return
    async for chunk in runnable.astream(given):
        if piece := result.take(chunk):
            await say(piece)


def _answer(name: str, result: _Result, ask: Ask, found: Found, rule: Rule, took: float) -> Answer:
    cited = tuple(result.context) or found.passages
    resolved = resolve(result.text, cited, ask.text, rule)
    if result.context and not resolved.citations and not resolved.unsupported:
        marks = "".join(f"[{n}]" for n in range(1, len(cited) + 1))
        resolved = resolve(f"{result.text} {marks}", cited, ask.text, Rule("keep"))
    if not resolved.text:
        raise NothingFound(f"nothing is left of the answer ({resolved.why})", more=found.more)
    return Answer(
        parts=(Part(text=resolved.text),),
        citations=resolved.citations,
        model=name,
        why=", ".join(filter(None, (f"runnable {name}", resolved.why, found.note))),
        timings=(("model", took),),
        grounds=tuple(dict.fromkeys((*found.grounds, *map(ground, result.context)))),
        more=found.more,
    )


async def _found(ask: Ask, means: Means, knowledge: Knowledge) -> Found:
    """What search finds; nothing where it cannot, for a Runnable may well know without."""
    try:
        return await find(ask, means, knowledge, means.model)
    except CannotServe as error:
        log.info("a runnable goes without passages", reason=str(error))
        return Found((), 0.0, more=isinstance(error, NothingFound) and error.more)


def _input(ask: Ask, passages: Sequence[Passage]) -> dict[str, Any]:
    from langchain_core.documents import Document
    from langchain_core.messages import HumanMessage

    said = [_message(message) for message in history(ask)]
    found = [
        Document(
            id=passage.id,
            page_content=passage.text,
            metadata={name: getattr(passage, name) for name in ("source", "title", "heading", "url", "tags")},
        )
        for passage in passages
    ]
    return {
        "question": ask.text,
        "query": ask.query,
        "persona": ask.persona,
        "history": said,
        "messages": [*said, HumanMessage(ask.text)],
        "passages": found,
        "audiences": sorted(ask.reader.audiences),
    }


def _message(message: Message) -> "BaseMessage":
    from langchain_core.messages import AIMessage, HumanMessage

    return AIMessage(message.content) if message.role == "assistant" else HumanMessage(message.content)


def _passage(document: "Document") -> Passage:
    known = {name: str(document.metadata.get(name) or "") for name in ("source", "title", "url", "heading")}
    known["title"] = known["title"] or known["source"]
    tags = _tags(document.metadata)
    return Passage(id=document.id or known["source"], text=document.page_content, tags=tags, **known)  # type: ignore[arg-type]


def _tags(metadata: Mapping[str, Any]) -> Tags:
    if isinstance(tags := metadata.get("tags"), Tags):
        return tags
    audience = metadata.get("audience") or ()
    names = (audience,) if isinstance(audience, str) else audience
    return Tags(origin=str(metadata.get("origin") or ""), audience=tuple(map(str, names)))


def _imported(name: str, path: str) -> "Runnable[Any, Any]":
    module, _, attribute = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # other people's code, which may do anything when it is imported
        why = str(error) if isinstance(error, ImportError | AttributeError | ValueError) else f"{type(error).__name__}: {error}"
        raise ConfigError(f"tracks.{name}: cannot import {path!r} ({why}): it must be module:attribute") from error
    if not hasattr(found, "ainvoke") or not hasattr(found, "astream"):
        raise ConfigError(f"tracks.{name}: {path!r} is no LangChain Runnable but a {type(found).__name__}")
    return found  # type: ignore[no-any-return]
