"""Fingerprints of what is measured: documents, models, prompts, questions. Where one has changed, evidence no longer speaks for
what runs."""

import asyncio
from collections.abc import Iterable, Sequence
from importlib.resources import files

from core.assistant import Assistant
from core.bus import Bus
from core.errors import Unavailable
from core.evaluation.tracks.available import available
from core.evaluation.tracks.records import Case
from core.knowledge import Document, DocumentRequest, Library, Prints, PrintsRequest, print_of
from core.records import Versioned, decode, encode
from core.settings import Settings

PATIENCE = 30.0
AT_ONCE = 8
NOT_RUNNING = "the retrieval service does not answer: start it with `turnout up` or `turnout serve retrieval`"


async def made_with(bus: Bus, assistant: Assistant, settings: Settings, cases: Sequence[Case] = ()) -> dict[str, str]:
    """By what it is of; of each document as `source:NAME`, and of all together as `documents`."""
    found = {f"source:{name}": value for name, value in (await prints(bus)).items()}
    tracks = available(assistant, settings)
    limits = (str(assistant.models.temperature), str(assistant.models.max_tokens))
    return {
        **found,
        "documents": _print_of(f"{name}={value}" for name, value in sorted(found.items())),
        "models": _print_of([*(f"{track.name}={track.model}" for track in tracks if not track.left_out), *limits]),
        "prompts": _print_of(_prompts(assistant)),
        **({"questions": _print_of(encode(case).decode() for case in cases)} if cases else {}),
    }


async def library(bus: Bus) -> Library:
    """What the index holds. Raises Unavailable where nobody retrieves."""
    try:
        return decode(Library, await bus.request("retrieval.status", encode(Versioned()), timeout=PATIENCE))
    except Unavailable as error:
        raise Unavailable(f"{NOT_RUNNING} ({error})") from None


async def prints(bus: Bus) -> dict[str, str]:
    """The fingerprint of every document's text, whoever may read it, by its name. Raises Unavailable where nobody retrieves."""
    found, after, more = dict[str, str](), "", True
    while more:
        try:
            data = await bus.request("retrieval.prints", encode(PrintsRequest(after=after)), timeout=PATIENCE)
        except Unavailable as error:
            raise Unavailable(f"{NOT_RUNNING} ({error})") from None
        page = decode(Prints, data)
        found |= page.prints
        after, more = next(reversed(page.prints), ""), page.more
    return found


async def texts(bus: Bus, sources: Iterable[str]) -> dict[str, str]:
    """The texts of documents, by their names; of one that not everyone may read it is ""."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(source: str) -> tuple[str, str]:
        async with limit:
            return source, (await document(bus, source)).text

    return dict(await asyncio.gather(*map(one, sources)))


async def document(bus: Bus, source: str, audiences: tuple[str, ...] = ()) -> Document:
    request = DocumentRequest(source=source, audiences=audiences)
    return decode(Document, await bus.request("retrieval.document", encode(request), timeout=PATIENCE))


def _print_of(parts: Iterable[str]) -> str:
    return print_of("\x1f".join(parts))


def _prompts(assistant: Assistant) -> Iterable[str]:
    """Every word that Turnout puts into a model's mouth, and what decides which passages go there."""
    folder = files("core.dialog.tracks.prompts")
    yield from (
        path.read_text("utf-8") for path in sorted(folder.iterdir(), key=lambda path: path.name) if path.name.endswith(".txt")
    )
    yield assistant.about.persona
    yield assistant.knowledge.model_dump_json(exclude={"paths", "sources", "url"})
    yield from (f"{intent.name}={intent.template}" for intent in assistant.intents if intent.template)
