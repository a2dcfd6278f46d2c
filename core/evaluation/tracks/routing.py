"""What the router would make of the cases: one that it sends elsewhere gets the other intent's route, however good its own."""

import asyncio
from collections.abc import Sequence

from core.assistant import Assistant
from core.bus import Bus
from core.dialog.routing import labelled, texts_of
from core.dialog.routing.labelled import Labelled
from core.evaluation.intents.judged import Judge
from core.evaluation.intents.reading import taught_by
from core.evaluation.tracks.records import Case, Routed
from core.settings import Settings


async def routed(bus: Bus, given: Settings, file: Assistant, cases: Sequence[Case]) -> tuple[Routed, ...]:
    """Of cases that say their intent, or that they have none, and begin a conversation; nothing where there is nothing to tell
    apart."""
    told = [case for case in cases if (case.intent or case.out_of_scope) and not case.before]
    if len(file.intents) < 2 or not told:
        return ()
    messages = [Labelled(case.question, "" if case.out_of_scope else case.intent) for case in told]
    known = labelled.calibration(file, given.assistant)
    texts = [*texts_of(file), *(one.text for one in [*known, *messages])]
    judge = Judge(file, await taught_by(bus, given, file, texts), known)
    judged = await asyncio.to_thread(judge.messages, messages)
    return tuple(Routed(case=case.id, kind=one.kind, said=one.said) for case, one in zip(told, judged, strict=True))
