"""The stronger track: a stronger, dearer model with passages."""

from core.assistant.tables import Knowledge
from core.dialog.tracks import rag
from core.dialog.tracks.contract import Answer, Ask, Means, Say
from core.errors import CannotServe


async def answer(ask: Ask, means: Means, say: Say, *, knowledge: Knowledge) -> Answer:
    if means.strong is None:
        raise CannotServe("no stronger model is configured (models.strong)")
    return await rag.grounded(means.strong, ask, means, say, knowledge=knowledge)
