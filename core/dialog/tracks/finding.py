"""What a track answers from: the passages that whoever hears the answer may read."""

import asyncio
import time
from dataclasses import dataclass

from msgspec.structs import replace

from core.assistant.tables import Knowledge
from core.audience import Reader
from core.dialog.models.contract import Model
from core.dialog.models.extractive import ExtractiveModel
from core.dialog.routing import said_earlier
from core.dialog.tracks.contract import Ask, Means
from core.dialog.tracks.messages import rewriting
from core.dialog.tracks.telling import with_cells
from core.dialog.tracks.writing import write
from core.errors import CannotServe, NothingFound
from core.knowledge import Cell, Conflict, Passage, SearchRequest, SearchResult
from core.records import Ground, Usage

REWRITE_SECONDS = 4.0
LONGEST_QUERY = 400


@dataclass(frozen=True, slots=True)
class Found:
    """`more`: there is something better that only who asked may read. `note` says what the log should know, "" mostly; `took`
    in milliseconds."""

    passages: tuple[Passage, ...]
    took: float
    cells: tuple[Cell, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    more: bool = False
    note: str = ""
    usage: Usage = Usage()

    @property
    def grounds(self) -> tuple[Ground, ...]:
        return tuple(dict.fromkeys(map(ground, self.passages)))


async def find(ask: Ask, means: Means, knowledge: Knowledge, model: Model) -> Found:
    """The passages. Raises NothingFound where none fits, CannotServe where there is nothing to search in."""
    started = time.perf_counter()
    rewritten, note, usage = await _rewritten(ask, knowledge, model)
    query, before = (rewritten, "") if rewritten else (ask.text, ask.before)
    private = ask.reader.in_private if ask.reader.alone - ask.reader.audiences else None
    readers = (ask.reader, private) if private else (ask.reader,)
    earlier = "" if rewritten or knowledge.query == "last" else said_earlier(ask.text, ask.conversation)
    request = SearchRequest(query=query, before=before, earlier=earlier, k=knowledge.passages, once=True)
    here, *alone = await asyncio.gather(*(_search(request, means, reader) for reader in readers))
    more = any(_better(result, ask.reader, knowledge) for result in alone)
    if not here.documents and not here.passages and not more:
        raise CannotServe("the index is empty: run `turnout ingest PATH`")
    said = (*here.cells, *(cell for conflict in here.conflicts for cell in conflict.said))
    passages = with_cells(here.passages, said)
    searched = f"searched only {here.narrowed}" if here.narrowed else ""
    if not passages:
        raise NothingFound("; ".join(filter(None, ("no passage fits the question", searched))), more=more)
    if here.confidence < knowledge.abstain_below:
        raise NothingFound(f"the passages hardly fit ({here.confidence:.2f})", more=more)
    took = round((time.perf_counter() - started) * 1000, 2)
    note = ", ".join(filter(None, (note, searched)))
    return Found(passages, took, here.cells, here.conflicts, more=more, note=note, usage=usage)


def ground(passage: Passage) -> Ground:
    return Ground(origin=passage.tags.origin, audience=passage.tags.audience)


async def _search(request: SearchRequest, means: Means, reader: Reader) -> SearchResult:
    """What a reader may read. Search has sorted out the rest already, as the index is marked; the assistant file may say
    otherwise since a moment."""
    result = await means.search(replace(request, audiences=tuple(sorted(reader.audiences))))
    return _readable(result, reader)


def _readable(result: SearchResult, reader: Reader) -> SearchResult:
    kept = tuple(passage for passage in result.passages if reader.may_read(ground(passage)))
    cells = tuple(cell for cell in result.cells if reader.may_read(ground(cell.passage)))
    told = [[cell for cell in conflict.said if reader.may_read(ground(cell.passage))] for conflict in result.conflicts]
    conflicts = tuple(
        replace(conflict, said=tuple(said)) for conflict, said in zip(result.conflicts, told, strict=True) if len(said) > 1
    )
    return replace(result, passages=kept, cells=cells, conflicts=conflicts)


def _better(alone: SearchResult, reader: Reader, knowledge: Knowledge) -> bool:
    """Whether the best of what one reader finds is hidden from another."""
    if not alone.passages or alone.confidence < knowledge.abstain_below:
        return False
    return not reader.may_read(ground(alone.passages[0]))


async def _rewritten(ask: Ask, knowledge: Knowledge, model: Model) -> tuple[str, str, Usage]:
    """(the query as the model puts it, "" where it is not asked or does not say; what the log should know of it; its cost)."""
    if knowledge.query != "rewrite" or not ask.conversation.exchanges:
        return "", "", Usage()
    if isinstance(model, ExtractiveModel):
        return "", "query not rewritten: no language model is configured", Usage()
    try:
        async with asyncio.timeout(REWRITE_SECONDS):
            written = await write(model, rewriting(ask), _unseen)
    except TimeoutError:
        return "", f"query not rewritten within {REWRITE_SECONDS:g} s", Usage()
    except CannotServe as error:
        return "", f"query not rewritten: {error}", Usage()
    query = " ".join(written.text.split())[:LONGEST_QUERY]
    return query, f"searched for {query!r}" if query else "", written.usage


async def _unseen(_piece: str) -> None:
    """A query is shown to nobody while it is written."""
