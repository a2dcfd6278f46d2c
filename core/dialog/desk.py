"""The desk: one event's way to an answer, by intent, route and track. What an assistant file says, made ready to use."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import structlog
from msgspec import structs

from core.assistant import Assistant
from core.audience import EVERYONE, Reader
from core.dialog.choosing import choose
from core.dialog.routing import Decision, Router, clarification, said_before
from core.dialog.sensing import Sense
from core.dialog.tracks.contract import Answer, Ask, Means, Say, Tracks
from core.errors import CannotServe, NothingFound
from core.memory import Conversation
from core.records import Event, Part, Usage
from core.routes.standing import Standing, Taken

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message; `timings` in milliseconds. `kind` and `routes` as in a Turn."""

    answer: Answer
    why: str
    track: str = ""
    intent: str = ""
    confidence: float = 0.0
    kind: Literal["answered", "clarify", "noted"] = "answered"
    timings: dict[str, float] = field(default_factory=dict)
    routes: int = 0


@dataclass(frozen=True, slots=True)
class Desk:
    assistant: Assistant
    router: Router
    tracks: Tracks
    means: Means
    standing: Standing = field(default_factory=Standing)
    sense: Sense | None = None

    async def measure(
        self, text: str, conversation: Conversation, begin: Callable[[], Say], wanted: Event, *, reader: Reader = EVERYONE
    ) -> Outcome:
        """What the track that `wanted` names makes of it, and no other: no asking back, no declining, nobody to fall back on. A
        track that finds nothing has declined, which is an answer; one that cannot serve leaves the track "none"."""
        started = time.perf_counter()
        decision = await self._decide(text, conversation)
        intent = wanted.intent or decision.intent
        outcome = Outcome(Answer(()), "", intent=intent, confidence=decision.confidence, timings={"intent": _ms(started)})
        about, asked = self.assistant.about, f"track {wanted.track} asked for"
        try:
            if wanted.track not in self.tracks:
                raise CannotServe("no track has that name")
            answer = await self.tracks[wanted.track](self._ask(text, conversation, intent, reader), self.means, begin())
        except NothingFound as error:
            nothing = Answer((Part(text=about.nothing_found),))
            return replace(outcome, answer=nothing, track=wanted.track, why=f"{asked}; it found nothing ({error})")
        except CannotServe as error:
            nothing = Answer((Part(text=about.no_answer),))
            return replace(outcome, answer=nothing, track="none", why=f"{asked}; it could not serve ({error})")
        timings = outcome.timings | dict(answer.timings)
        return replace(outcome, answer=answer, track=wanted.track, why=f"{asked}; {answer.why}", timings=timings)

    async def answer(
        self, text: str, conversation: Conversation, begin: Callable[[], Say], *, reader: Reader = EVERYONE
    ) -> Outcome:
        """The answer, shown while it is made by what `begin` returns; nothing in it but what `reader` may read. A track that
        cannot serve is no error: the route's next one is asked, and at the end an honest message stands."""
        started = time.perf_counter()
        decision = await self._decide(text, conversation)
        decision, spent = await self._settle(decision, text)
        outcome = Outcome(
            Answer((), usage=spent),
            decision.why,
            track=decision.kind,
            intent=decision.intent,
            confidence=decision.confidence,
            timings={"intent": _ms(started)},
        )
        about = self.assistant.about
        if decision.kind == "clarify":
            return replace(outcome, kind="clarify", answer=Answer((clarification(decision, self.assistant),), usage=spent))
        if decision.kind == "out_of_scope":
            return replace(outcome, answer=Answer((Part(text=about.out_of_scope, choices=about.suggestions),)))
        ask = self._ask(text, conversation, decision.intent, reader)
        taken = self.standing.take(ask.lane, ask.intent, self.assistant.route(ask.intent), known=self.tracks)
        answer, track, why = await self._take_route(ask, taken, begin)
        timings = outcome.timings | dict(answer.timings)
        answer = replace(answer, usage=answer.usage + spent)
        why = f"{decision.why}; {why}"
        return replace(outcome, answer=answer, track=track, why=why, timings=timings, routes=taken.version)

    async def _decide(self, text: str, conversation: Conversation) -> Decision:
        if self.sense is None:
            return self.router.decide(text, conversation)
        vectors, doubt = await self.sense(self.router.texts(text, conversation))
        decision = self.router.decide(text, conversation, vectors)
        return structs.replace(decision, why=f"{decision.why}; {doubt}") if doubt else decision

    async def _settle(self, decision: Decision, text: str) -> tuple[Decision, Usage]:
        """An unclear message is put to the model where the file says so; it is asked back about where that says nothing."""
        if decision.kind != "clarify" or self.assistant.about.unsure != "model":
            return decision, Usage()
        chosen = await choose(self.means.model, decision, self.assistant, text)
        why = f"{decision.why}; {chosen.why}"
        if not chosen.intent:
            return structs.replace(decision, why=why), chosen.usage
        chance = dict(decision.candidates)[chosen.intent]
        return structs.replace(decision, kind="intent", intent=chosen.intent, confidence=chance, why=why), chosen.usage

    def _ask(self, text: str, conversation: Conversation, intent: str, reader: Reader) -> Ask:
        about = self.assistant.about
        template = next((i.template for i in self.assistant.intents if i.name == intent), "")
        return Ask(
            text=text,
            before="" if self.assistant.knowledge.query == "last" else said_before(text, conversation),
            conversation=conversation,
            persona=about.persona,
            assistant=about.name,
            intent=intent,
            template=template,
            lane=conversation.lane,
            reader=reader,
            disagree=about.sources_disagree,
        )

    async def _take_route(self, ask: Ask, taken: Taken, begin: Callable[[], Say]) -> tuple[Answer, str, str]:
        """(answer, track, why) of the first track of the route that can serve."""
        about = self.assistant.about
        passed: list[str] = []
        sorry, more = about.no_answer, False
        for name in taken.tracks:
            try:
                answer = await self.tracks[name](ask, self.means, begin())
                if not answer.parts:
                    raise CannotServe("it answered with nothing")
            except CannotServe as error:
                log.info("track cannot serve", track=name, lane=ask.lane, reason=str(error))
                passed.append(f"{name} could not serve ({error})")
                if isinstance(error, NothingFound):
                    sorry, more = about.nothing_found, more or error.more
                continue
            rests = f" from {answer.why}" if answer.why else ""
            answer = replace(answer, more=answer.more or more)
            return self._offered(answer), name, "; ".join([taken.why, *passed, f"{name} answered{rests}"])
        nothing = Answer((Part(text=sorry, choices=about.suggestions),), more=more)
        return self._offered(nothing), "none", "; ".join([taken.why, *passed])

    def _offered(self, answer: Answer) -> Answer:
        """The answer, with a word of where there is more for who asked. The word is the same whatever there is."""
        if not answer.more:
            return answer
        *before, last = answer.parts
        text = f"{last.text}\n\n{self.assistant.about.more_in_private}"
        return replace(answer, parts=(*before, Part(text=text, choices=last.choices)))


def _ms(since: float) -> float:
    return round((time.perf_counter() - since) * 1000, 2)
