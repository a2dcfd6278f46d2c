"""The router: what a message means in its conversation, and whether to answer, ask back or decline."""

from typing import Literal

from msgspec.structs import replace

from core.assistant import Assistant, Intent
from core.dialog.routing.carry import ANAPHORIC, before, carries_on
from core.dialog.routing.classifier import Classifier, Guess
from core.dialog.routing.features import words
from core.memory import Conversation
from core.records import Part, Record

SURE = 0.9
"""The probability from which a message that looks like a follow-up changes the subject all the same."""


class Decision(Record, frozen=True):
    """`confidence` is the calibrated probability of `intent`; `candidates` are the three likeliest intents with theirs.

    `why` is one sentence for people. With `clarify` and `out_of_scope`, `intent` is the best candidate, which was not followed.
    """

    intent: str
    confidence: float
    why: str
    kind: Literal["intent", "clarify", "out_of_scope"] = "intent"
    candidates: tuple[tuple[str, float], ...] = ()


class Router:
    """Trains when it is made (under a second for a dozen intents); `decide` takes about 0.1 ms and keeps nothing."""

    def __init__(self, assistant: Assistant) -> None:
        self._about = assistant.about
        self._intents = {intent.name: intent for intent in assistant.intents}
        self._labels = {_plain(intent.words): name for name, intent in self._intents.items()}
        self._classifier = Classifier({name: i.examples for name, i in self._intents.items()}) if self._intents else None

    @property
    def accuracy(self) -> float | None:
        """The share of the file's own examples that are classified right when they are held out; None: too few to tell."""
        return self._classifier.accuracy if self._classifier else None

    def decide(self, text: str, conversation: Conversation) -> Decision:
        if self._classifier is None:
            return Decision(intent="", confidence=1.0, why="no intents are configured")
        asked_back = bool(conversation.exchanges) and conversation.exchanges[-1].outcome == "clarify"
        if chosen := self._labels.get(_plain(text)):
            return Decision(intent=chosen, confidence=1.0, candidates=((chosen, 1.0),), why=f"{chosen} was chosen by its name")
        alone = self._judge(text, self._classifier(text))
        if asked_back:
            return self._after_clarification(text, conversation, alone)
        topic = self._topic(conversation)
        if topic and (alone.confidence < SURE or alone.kind != "intent"):
            return self._follow_up(text, conversation, topic, alone)
        return alone

    def _judge(self, text: str, guess: Guess) -> Decision:
        """What the text alone says."""
        intent, chance = guess.ranked[0]
        decision = Decision(intent=intent, confidence=round(chance, 4), candidates=_rounded(guess), why=_figures(guess))
        if guess.scope < self._about.out_of_scope_below:
            strange = f"stranger than {1 - guess.scope:.1%} of the examples (limit {1 - self._about.out_of_scope_below:.1%})"
            return replace(decision, kind="out_of_scope", why=f"out of scope: {strange}, at best {decision.why}")
        if chance < self._about.clarify_below and len(guess.ranked) > 1:
            return replace(decision, kind="clarify", why=f"unsure, below {self._about.clarify_below:.2f}: {decision.why}")
        return decision

    def _follow_up(self, text: str, conversation: Conversation, topic: str, alone: Decision) -> Decision:
        """A message that carries on and says little by itself keeps the conversation's intent; so does a short one that we
        would have to ask back about, if it fits there."""
        guess = self._together(text, conversation)
        fits = alone.kind == "clarify" and len(words(text)) <= ANAPHORIC and guess.ranked[0][0] == topic
        if not (fits or carries_on(text)):
            return alone
        chance = round(dict(guess.ranked)[topic], 4)
        doubt = f"{chance:.2f} with the message before it, alone {alone.intent} {alone.confidence:.2f}"
        why = f"a follow-up stays with {topic} ({doubt})"
        return Decision(intent=topic, confidence=chance, candidates=_rounded(guess), why=why)

    def _after_clarification(self, text: str, conversation: Conversation, alone: Decision) -> Decision:
        """We have just asked back and do not ask again: the answer alone if it is clear, else together with what it answers."""
        if alone.kind == "intent":
            return alone
        both = self._judge(text, self._together(text, conversation))
        kind: Literal["intent", "out_of_scope"] = "out_of_scope" if both.kind == "out_of_scope" else "intent"
        return replace(both, kind=kind, why=f"not asked back twice, with the message before it: {both.why}")

    def _together(self, text: str, conversation: Conversation) -> Guess:
        assert self._classifier is not None
        return self._classifier(f"{before(conversation).asked} {text}")

    def _topic(self, conversation: Conversation) -> str:
        """The intent the conversation is about: the last one that was answered and is no template, so thanks change nothing."""
        for exchange in reversed(conversation.exchanges):
            intent = self._intents.get(exchange.intent)
            if exchange.outcome == "answered" and intent and not _canned(intent):
                return intent.name
        return ""


def clarification(decision: Decision, assistant: Assistant) -> Part:
    """The question to ask back, with the two or three likeliest intents as choices."""
    known = {intent.name: intent for intent in assistant.intents}
    ranked = [(known[name], chance) for name, chance in decision.candidates if name in known]
    likely = [pair for pair in ranked if not _canned(pair[0])]
    if len(likely) < 2:
        likely = ranked
    labels = tuple(intent.words for place, (intent, p) in enumerate(likely) if place < 2 or p >= likely[1][1] / 2)
    asked = "\n".join([assistant.about.clarify, "", *(f"- {label}" for label in labels)])
    return Part(text=asked, choices=labels)


def _canned(intent: Intent) -> bool:
    return bool(intent.template)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .!?")


def _rounded(guess: Guess) -> tuple[tuple[str, float], ...]:
    return tuple((name, round(chance, 4)) for name, chance in guess.ranked[:3])


def _figures(guess: Guess) -> str:
    """ "returns 0.91 (next shipping 0.04), 0.78 like its nearest example"."""
    (best, chance), *others = guess.ranked[:2]
    after = f" (next {others[0][0]} {others[0][1]:.2f})" if others else ""
    return f"{best} {chance:.2f}{after}, {guess.likeness:.2f} like its nearest example"
