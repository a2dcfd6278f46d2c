"""What may stand in the assistant file, table by table, and what fits together."""

import difflib
import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator

from core.assistant.canaries import CanaryTable
from core.assistant.measuring import Measure, Price
from core.assistant.table import Table
from core.toml_lines import Place

LOADER = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
NATIVE = re.compile(r"[a-z][a-z0-9_-]*:\S+")
BUILT_IN_TRACKS = ("template", "prompt", "rag", "tuned", "hybrid", "stronger")


class Misfit(ValueError):
    """Values that are right each by itself but do not fit together; `place` is where to look."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place


class About(Table):
    """`[assistant]`. We ask back when the probability of the best intent is under `clarify_below`, and decline when fewer than
    the share `out_of_scope_below` of the examples look as strange as the message; 0 switches either off. With a `risk` we also
    ask back where more than that share of the answered messages would take a wrong intent, as `calibration` shows, a file of
    labelled messages beside the assistant file, or the examples. `intents`: told by their words alone, by the vectors of
    `[knowledge]` too, or by those if there are any. `unsure`: whom to ask about an unclear message, the person or a model."""

    name: str = Field(min_length=1)
    default_route: tuple[str, ...] = Field(min_length=1)
    persona: str = "You are a friendly, precise assistant. Answer briefly."
    greeting: str = "Hello! How can I help you?"
    suggestions: tuple[str, ...] = ()
    language: str = "en"
    out_of_scope: str = "I am sorry, that is outside what I can help with."
    no_answer: str = "I am sorry, I cannot answer that right now. Please try again in a little while."
    nothing_found: str = "I found nothing about that in what I know. Could you put it another way?"
    more_in_private: str = "There is more about this that not everyone here may read: write to me directly and ask again."
    sources_disagree: str = "The sources say different things about:"
    clarify: str = "I am not sure I understand. What is it about?"
    clarify_below: float = Field(0.35, ge=0, le=1)
    out_of_scope_below: float = Field(0.02, ge=0, le=1)
    risk: float = Field(0.0, ge=0, lt=0.5)
    calibration: str = ""
    intents: Literal["words", "embeddings", "auto"] = "words"
    unsure: Literal["person", "model"] = "person"
    unsure_seconds: float = Field(4.0, gt=0)


class Models(Table):
    """`[models]`: names as the OpenAI-compatible server knows them. `extractive` is the built-in one that needs no server;
    unset means: `extractive` without OPENAI_API_KEY and OPENAI_BASE_URL, a chat model of the server with them. `strong` is the
    one that the track `stronger` asks. `learned_from`: the folder of the data set that made `tuned`, and `prices` by model, for
    measuring."""

    prompt: str = ""
    tuned: str = ""
    strong: str = ""
    learned_from: str = ""
    temperature: float = Field(0.2, ge=0, le=2)
    max_tokens: int = Field(800, ge=1)
    first_token_seconds: float = Field(15, gt=0)
    between_tokens_seconds: float = Field(10, gt=0)
    whole_answer_seconds: float = Field(90, gt=0)
    prices: dict[str, Price] = {}


class Source(Table):
    """`[[knowledge.sources]]`: where documents come from, and what they are marked with. `at` says where: files and folders,
    relative to the assistant file; an http(s) address; for a loader its dotted path, module:attribute. `only`: patterns of the
    names that are meant. `refresh`: hours after which what cannot be watched is looked at again. `allow`: HOST or HOST:PORT
    that may be reached though it is no public one. `audience`: who may read it, by the names of `[[audiences]]`; empty: all.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    kind: Literal["folder", "page", "sitemap", "git", "mailbox", "tickets", "loader"] = "folder"
    at: str = Field(min_length=1)
    only: tuple[str, ...] = ()
    owner: str = ""
    audience: tuple[str, ...] = ()
    product: str = ""
    version: str = ""
    language: str = ""
    priority: int = 0
    refresh: float = Field(24.0, gt=0)
    allow: tuple[str, ...] = ()

    @property
    def misfit(self) -> str:
        """What is wrong with `at` for this kind; "": nothing."""
        web = self.at.startswith(("https://", "http://"))
        if self.kind in ("page", "sitemap") and not web:
            return f"a {self.kind} is an address that begins with https:// or http://"
        if self.kind == "git" and "://" in self.at and not web:
            return "a git source is an https:// address or the path of a repository"
        if self.kind == "loader" and not LOADER.fullmatch(self.at):
            return "a loader is written module:attribute"
        if self.kind in ("folder", "mailbox", "tickets") and "://" in self.at:
            return f"a {self.kind} is a path: for an address there are the kinds page, sitemap and git"
        return ""


class Audience(Table):
    """`[[audiences]]`: who belongs together as readers. `channels`: everyone who writes there; `groups` and `people`: the
    platform's own ids, as CHANNEL:ID."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    channels: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    people: tuple[str, ...] = ()


class Knowledge(Table):
    """`[knowledge]`: files and folders, relative to the assistant file, ingested when retrieval starts and when they change.
    `sources` are the same with all that can be said of them. An answer gets `passages` of `passage_words` words at most;
    `word_weight` is the share of the words' score beside the meaning's, unset: as measured. `query`: what is searched for, the
    last message, the last two where one leans on the other, or what the model makes of them. `unsupported`: what becomes of a
    claim that the passages it cites do not bear out. Below the confidence `abstain_below` a search has found nothing."""

    paths: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    url: str = ""
    passages: int = Field(6, ge=1, le=50)
    passage_words: int = Field(180, ge=40, le=400)
    word_weight: float | None = Field(None, ge=0, le=1)
    dense: Literal["auto", "off"] = "auto"
    embeddings: str = Field("", description="module:attribute of a LangChain Embeddings, or openai:MODEL")
    embeddings_url: str = Field("", pattern=r"^(https?://\S+)?$", description="of the server; unset: OPENAI_BASE_URL")
    reranker: str = Field("", description="address of a /rerank endpoint, or module:attribute of a LangChain cross-encoder")
    reranker_model: str = ""
    reranker_seconds: float = Field(2.0, gt=0)
    query: Literal["last", "last_two", "rewrite"] = "last_two"
    unsupported: Literal["drop", "mark", "keep"] = "mark"
    unsupported_mark: str = "*(not found in the sources)*"
    abstain_below: float = Field(0.0, ge=0, le=1)


class MemoryTable(Table):
    """`[memory]`: how much of a conversation is kept word for word, and for how long after its last turn."""

    turns: int = Field(20, ge=1)
    tokens: int = Field(2000, ge=100)
    hours: float = Field(72, gt=0)


class Intent(Table):
    """`[[intents]]`: what people want, by example. An empty route means the default one. `label` is what people read when they
    are asked which intent they mean; unset, the name in plain words."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str = ""
    examples: tuple[str, ...] = Field(min_length=1)
    route: tuple[str, ...] = ()
    template: str = ""
    risk: Literal["low", "medium", "high"] = "low"
    volatility: Literal["minutes", "days", "months", "years"] = "months"

    @property
    def words(self) -> str:
        return self.label or self.name.replace("_", " ").capitalize()


class ChannelPolicy(Table):
    """`[channels.NAME]`: how a channel behaves. `ambiguous`: what to do with a send that may or may not have arrived, where
    the platform cannot be asked: `resend` once, marked, or `drop`. `backlog`: how many messages may wait for the core before
    new ones are refused."""

    overlap: Literal["queue", "merge", "interrupt"] = "queue"
    backlog: int = Field(1000, gt=0)
    stream: bool = True
    memory_hours: float | None = Field(None, gt=0)
    ambiguous: Literal["resend", "drop"] = "resend"


class Assistant(Table):
    about: About = Field(alias="assistant")
    models: Models = Models()
    knowledge: Knowledge = Knowledge()
    audiences: tuple[Audience, ...] = ()
    memory: MemoryTable = MemoryTable()
    intents: tuple[Intent, ...] = ()
    channels: dict[str, ChannelPolicy] = {}
    measure: Measure = Measure()
    canary: CanaryTable = CanaryTable()
    tracks: dict[str, str] = Field({}, description="name → dotted path of a LangChain Runnable, module:attribute")

    @model_validator(mode="after")
    def _fits_together(self) -> "Assistant":
        for misfit in self._misfits():
            raise misfit
        return self

    def _misfits(self) -> Iterator[Misfit]:
        names: dict[str, int] = {}
        labels: dict[str, int] = {}
        routes: list[tuple[Place, tuple[str, ...]]] = [(("assistant", "default_route"), self.about.default_route)]
        for number, intent in enumerate(self.intents):
            here = ("intents", number)
            if (first := names.setdefault(intent.name, number)) != number:
                yield Misfit((*here, "name"), f"intents {first + 1} and {number + 1} are both called {intent.name!r}")
            if (first := labels.setdefault(intent.words.casefold(), number)) != number:
                yield Misfit((*here, "label"), f"intents {first + 1} and {number + 1} both read {intent.words!r}")
            if "template" in intent.route and not intent.template:
                yield Misfit((*here, "route"), f"intent {intent.name!r} takes the template track but has no `template` text")
            if blank := [n for n, example in enumerate(intent.examples) if not example.strip()]:
                yield Misfit((*here, "examples", blank[0]), "an example without words")
            routes.append(((*here, "route"), intent.route))
        if "template" in self.about.default_route:
            yield Misfit(("assistant", "default_route"), "template has no words here: only an intent can take that track")
        if self.canary.misfit:
            yield Misfit(("canary", "steps"), self.canary.misfit)
        yield from self._audience_misfits()
        yield from self._source_misfits()
        yield from self._track_misfits(routes)

    def _audience_misfits(self) -> Iterator[Misfit]:
        names: dict[str, int] = {}
        for number, audience in enumerate(self.audiences):
            if (first := names.setdefault(audience.name, number)) != number:
                yield Misfit(
                    ("audiences", number, "name"), f"audiences {first + 1} and {number + 1} are both called {audience.name!r}"
                )
            ids = [("groups", *one) for one in enumerate(audience.groups)] + [
                ("people", *one) for one in enumerate(audience.people)
            ]
            for key, place, native in ids:
                if not NATIVE.fullmatch(native):
                    yield Misfit(("audiences", number, key, place), "must be CHANNEL:ID, for example slack:C0123")
        for number, source in enumerate(self.knowledge.sources):
            for place, name in enumerate(source.audience):
                if name not in names:
                    known = meant(name, set(names)) if names else ""
                    where = ("knowledge", "sources", number, "audience", place)
                    yield Misfit(where, f"no [[audiences]] is called {name!r}{known}")

    def _source_misfits(self) -> Iterator[Misfit]:
        names: dict[str, int] = {}
        for number, source in enumerate(self.knowledge.sources):
            here = ("knowledge", "sources", number)
            if (first := names.setdefault(source.name, number)) != number:
                yield Misfit((*here, "name"), f"sources {first + 1} and {number + 1} are both called {source.name!r}")
            if source.misfit:
                yield Misfit((*here, "at"), source.misfit)

    def _track_misfits(self, routes: list[tuple[Place, tuple[str, ...]]]) -> Iterator[Misfit]:
        known = {*BUILT_IN_TRACKS, *self.tracks}
        if twice := sorted({*BUILT_IN_TRACKS} & {*self.tracks}):
            yield Misfit(("tracks", twice[0]), f"{twice[0]} is a track of Turnout's own: give yours another name")
        for place, route in routes:
            for number, track in enumerate(route):
                if track not in known:
                    yield Misfit((*place, number), f"no track is called {track!r}{meant(track, known)}")

    def route(self, intent: str) -> tuple[str, ...]:
        for known in self.intents:
            if known.name == intent:
                return known.route or self.about.default_route
        return self.about.default_route

    def policy(self, channel: str) -> ChannelPolicy:
        return self.channels.get(channel, ChannelPolicy())


def meant(word: str, known: set[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f": did you mean {close[0]!r}?" if close else f": known are {', '.join(sorted(known))}"
