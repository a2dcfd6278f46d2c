"""The prompt track: the model alone, with the persona and the conversation."""

from core.dialog.models.contract import Model
from core.dialog.tracks.contract import Answer, Ask, Means, Say
from core.dialog.tracks.messages import plain
from core.dialog.tracks.writing import write
from core.records import Part


async def answer(ask: Ask, means: Means, say: Say) -> Answer:
    return await alone(means.model, ask, say)


async def alone(model: Model, ask: Ask, say: Say) -> Answer:
    """What this model answers without passages."""
    written = await write(model, plain(ask), say)
    return Answer(
        parts=(Part(text=written.text),),
        model=written.model,
        usage=written.usage,
        why=written.note or f"model {model.name}",
        timings=written.timings,
    )
