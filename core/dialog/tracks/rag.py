"""The rag track: the model with retrieved passages, or the passages' own words where no model writes."""

from core.assistant.tables import Knowledge
from core.dialog.models.contract import Model
from core.dialog.models.extractive import NOTE, Extract, ExtractiveModel, extract
from core.dialog.tracks.citing import Rule, marked, resolve
from core.dialog.tracks.contract import Answer, Ask, Means, Say
from core.dialog.tracks.finding import Found, find
from core.dialog.tracks.messages import grounded as messages
from core.dialog.tracks.telling import disputes, exactly
from core.dialog.tracks.writing import write
from core.errors import NothingFound
from core.records import Part


async def answer(ask: Ask, means: Means, say: Say, *, knowledge: Knowledge) -> Answer:
    return await grounded(means.model, ask, means, say, knowledge=knowledge)


async def grounded(model: Model, ask: Ask, means: Means, say: Say, *, knowledge: Knowledge) -> Answer:
    """What this model makes of the best passages. Raises CannotServe where there are none, and where no claim is left."""
    found = await find(ask, means, knowledge, model)
    if isinstance(model, ExtractiveModel):
        return await _quoted(ask, found, say)
    written = await write(model, messages(ask, found.passages), say)
    rule = Rule(knowledge.unsupported, knowledge.unsupported_mark)
    resolved = resolve(written.text, found.passages, ask.text, rule, word_for_word=_disputed(written.text, ask, found))
    if not resolved.text:
        raise NothingFound(f"nothing is left of the answer ({resolved.why})", more=found.more)
    cited = f"{len(resolved.citations)} of {len(found.passages)} passages cited"
    return Answer(
        parts=(Part(text=resolved.text),),
        citations=resolved.citations,
        model=written.model,
        usage=found.usage + written.usage,
        why=", ".join(filter(None, (cited, resolved.why, found.note, written.note))),
        timings=(("retrieve", found.took), *written.timings),
        grounds=found.grounds,
        more=found.more,
    )


def _disputed(text: str, ask: Ask, found: Found) -> str:
    """The conflicts that an answer touches: it cites a passage that takes part."""
    cited = {found.passages[number - 1].source for number in marked(text, len(found.passages))}
    touched = [one for one in found.conflicts if any(cell.passage.source in cited for cell in one.said)]
    return disputes(touched, found.passages, intro=ask.disagree)


async def _quoted(ask: Ask, found: Found, say: Say) -> Answer:
    """The words of tables and passages themselves. A conflict takes the place of what it is about."""
    told = disputes(found.conflicts, found.passages, intro=ask.disagree) or exactly(found.cells, found.passages)
    try:
        extracted = _resolved(told, ask, found) if told else extract(ask.text, found.passages, context=ask.query)
    except NothingFound as error:
        raise NothingFound(str(error), more=found.more) from None
    known = any(NOTE in exchange.answered for exchange in ask.conversation.exchanges)
    text = extracted.text if known else f"{extracted.text}\n\n{NOTE}"
    await say(text)
    quoted = f"words of {len(extracted.citations)} of {len(found.passages)} passages"
    return Answer(
        parts=(Part(text=text),),
        citations=extracted.citations,
        model=ExtractiveModel.name,
        why=", ".join(filter(None, (quoted, found.note))),
        timings=(("retrieve", found.took),),
        grounds=found.grounds,
        more=found.more,
    )


def _resolved(told: str, ask: Ask, found: Found) -> Extract:
    resolved = resolve("", found.passages, ask.text, word_for_word=told)
    return Extract(resolved.text, resolved.citations)
