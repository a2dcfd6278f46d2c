"""The template track: the words the assistant file has for an intent."""

from core.dialog.tracks.contract import Answer, Ask, Means, Say
from core.errors import CannotServe
from core.records import Part


async def answer(ask: Ask, means: Means, say: Say) -> Answer:
    if not ask.template:
        raise CannotServe(f"the intent {ask.intent or 'of this message'!r} has no template")
    text = ask.template.replace("{assistant}", ask.assistant)
    await say(text)
    return Answer(parts=(Part(text=text),), why=f"template {ask.intent}")
