"""The hybrid track: the tuned model with passages."""

from core.assistant.tables import Knowledge
from core.dialog.tracks import rag, tuned
from core.dialog.tracks.contract import Answer, Ask, Means, Say


async def answer(ask: Ask, means: Means, say: Say, *, knowledge: Knowledge) -> Answer:
    return await rag.grounded(tuned.model(means), ask, means, say, knowledge=knowledge)
