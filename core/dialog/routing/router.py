"""The router: what a message means in its conversation, and whether to answer, ask back or decline."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Literal

from msgspec.structs import replace

from core.assistant import Assistant, Intent
from core.dialog.routing.carry import ANAPHORIC, before, carries_on
from core.dialog.routing.classifier import Classifier, Guess, Vectors
from core.dialog.routing.features import words
from core.dialog.routing.labelled import Labelled
from core.memory import Conversation
from core.policy.promise import Promise, promise
from core.records import Part, Record

NONE: Vectors = MappingProxyType({})

SURE = 0.9
"""The probability from which a message that looks like a follow-up changes the subject all the same."""


class Decision(Record, frozen=True):
    """`confidence` is the calibrated probability of `intent`; `candidates` are the three likeliest intents with theirs.

    `scope`, `likeness` and `meant` as in a Guess. `why` is one sentence for people. With `clarify` and `out_of_scope`, `intent`
    is the best candidate, which was not followed.
    """

    intent: str
    confidence: float
    why: str
    kind: Literal["intent", "clarify", "out_of_scope"] = "intent"
    candidates: tuple[tuple[str, float], ...] = ()
    scope: float = 1.0
    likeness: float = 1.0
    meant: bool = False


class Router:
    """Trains when it is made (under a second for a dozen intents); `decide` takes about 0.1 ms and keeps nothing.

    With `vectors` of all that `texts_of` names it reads meaning too, in messages whose own vectors it is given. `messages` are
    labelled ones, by which a promised risk is kept; without any the examples have to do. Their vectors are `heard`.
    """

    def __init__(
        self,
        assistant: Assistant,
        vectors: Vectors | None = None,
        messages: Sequence[Labelled] = (),
        heard: Vectors = NONE,
    ) -> None:
        self._about = assistant.about
        self._intents = {intent.name: intent for intent in assistant.intents}
        self._labels = {_plain(intent.words): name for name, intent in self._intents.items()}
        self._classifier = _trained(assistant, vectors)
        self._by_words = self._promise(messages, NONE, meant=False)
        self._by_all = self._promise(messages, heard, meant=True) if vectors is not None else self._by_words

    @property
    def promise(self) -> Promise | None:
        """What is promised of messages that are read in all the ways it can; None where no risk is stated."""
        return self._by_all

    @property
    def promise_by_words(self) -> Promise | None:
        """What is promised of those whose vector does not come, or whose language the embeddings do not read."""
        return self._by_words

    @property
    def accuracy(self) -> float | None:
        """The share of the file's own examples that are classified right when they are held out; None: too few to tell."""
        return self._classifier.accuracy if self._classifier else None

    def texts(self, text: str, conversation: Conversation) -> tuple[str, ...]:
        """The texts whose vectors `decide` looks for."""
        return (text, _joined(text, conversation)) if conversation.exchanges else (text,)

    def decide(self, text: str, conversation: Conversation, vectors: Vectors = NONE) -> Decision:
        """The same message in the same conversation goes the same way. A text without its vector is judged by its words."""
        if self._classifier is None:
            return Decision(intent="", confidence=1.0, why="no intents are configured")
        asked_back = bool(conversation.exchanges) and conversation.exchanges[-1].outcome == "clarify"
        if chosen := self._labels.get(_plain(text)):
            return Decision(intent=chosen, confidence=1.0, candidates=((chosen, 1.0),), why=f"{chosen} was chosen by its name")
        alone = self._judge(self._classifier(text, vectors.get(text)))
        if asked_back:
            return self._after_clarification(alone, self._together(text, conversation, vectors))
        topic = self._topic(conversation)
        if topic and (alone.confidence < SURE or alone.kind != "intent"):
            return self._follow_up(text, self._together(text, conversation, vectors), topic, alone)
        return alone

    def _judge(self, guess: Guess) -> Decision:
        """What the text alone says."""
        intent, chance = guess.ranked[0]
        decision = Decision(
            intent=intent,
            confidence=round(chance, 4),
            candidates=_rounded(guess),
            why=_figures(guess),
            scope=guess.scope,
            likeness=guess.likeness,
            meant=guess.meant,
        )
        if guess.scope < self._about.out_of_scope_below:
            strange = f"stranger than {1 - guess.scope:.1%} of the examples (limit {1 - self._about.out_of_scope_below:.1%})"
            return replace(decision, kind="out_of_scope", why=f"out of scope: {strange}, at best {decision.why}")
        stated = self._by_all if guess.meant else self._by_words
        asked = max(self._about.clarify_below, (stated.threshold or 0.0) if stated else 0.0)
        if chance < asked and len(guess.ranked) > 1:
            return replace(decision, kind="clarify", why=f"unsure, below {asked:.2f}: {decision.why}")
        if stated and stated.threshold is None:
            return replace(decision, why=f"{decision.why}, no risk promised")
        return decision

    def _follow_up(self, text: str, guess: Guess, topic: str, alone: Decision) -> Decision:
        """A message that carries on and says little by itself keeps the conversation's intent; so does a short one that we
        would have to ask back about, if it fits there."""
        fits = alone.kind == "clarify" and len(words(text)) <= ANAPHORIC and guess.ranked[0][0] == topic
        if not (fits or carries_on(text)):
            return alone
        chance = round(dict(guess.ranked)[topic], 4)
        doubt = f"{chance:.2f} with the message before it, alone {alone.intent} {alone.confidence:.2f}"
        why = f"a follow-up stays with {topic} ({doubt})"
        return Decision(intent=topic, confidence=chance, candidates=_rounded(guess), why=why)

    def _after_clarification(self, alone: Decision, together: Guess) -> Decision:
        """We have just asked back and do not ask again: the answer alone if it is clear, else together with what it answers."""
        if alone.kind == "intent":
            return alone
        both = self._judge(together)
        kind: Literal["intent", "out_of_scope"] = "out_of_scope" if both.kind == "out_of_scope" else "intent"
        return replace(both, kind=kind, why=f"not asked back twice, with the message before it: {both.why}")

    def _together(self, text: str, conversation: Conversation, vectors: Vectors) -> Guess:
        assert self._classifier is not None
        both = _joined(text, conversation)
        return self._classifier(both, vectors.get(both))

    def _promise(self, messages: Sequence[Labelled], vectors: Vectors, *, meant: bool) -> Promise | None:
        """Of messages that are read by meaning too, or by words alone; None where no risk is stated."""
        if not self._about.risk or self._classifier is None:
            return None
        judged = [(one.confidence, one.right) for one in self._classifier.held(meant=meant)]
        if messages:
            found = [(self._classifier(one.text, vectors.get(one.text)), one.intent) for one in messages]
            judged = [
                (guess.ranked[0][1], guess.ranked[0][0] == intent)
                for guess, intent in found
                if guess.meant is meant and guess.scope >= self._about.out_of_scope_below
            ]
        return promise(judged, self._about.risk)

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


def texts_of(assistant: Assistant) -> tuple[str, ...]:
    """All texts whose vectors a router that reads meaning is made with."""
    return tuple(dict.fromkeys(text for one in assistant.intents for text in (*one.examples, one.words)))


def _trained(assistant: Assistant, vectors: Vectors | None) -> Classifier | None:
    intents = assistant.intents
    if not intents:
        return None
    return Classifier({one.name: one.examples for one in intents}, {one.name: one.words for one in intents}, vectors)


def _joined(text: str, conversation: Conversation) -> str:
    return f"{before(conversation).asked} {text}"


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
