"""The tuned track: the tuned model alone."""

from core.dialog.models.contract import Model
from core.dialog.tracks import prompt
from core.dialog.tracks.contract import Answer, Ask, Means, Say
from core.errors import CannotServe


async def answer(ask: Ask, means: Means, say: Say) -> Answer:
    return await prompt.alone(model(means), ask, say)


def model(means: Means) -> Model:
    """The tuned model; raises CannotServe where there is none."""
    if means.tuned is None:
        raise CannotServe("no tuned model is configured")
    return means.tuned
