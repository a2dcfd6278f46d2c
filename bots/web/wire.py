"""The JSON of the web channel's API: what handlers decode and encode, and what `/openapi.json` is derived from."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

TEXT_LIMIT = 16_000
ID_LIMIT = 128
BODY_LIMIT = 256 * 1024
HOOK_LIMIT = 1024 * 1024

Id = Annotated[str, Meta(min_length=1, max_length=ID_LIMIT)]


class Asked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what clients send: unknown fields are refused by name."""


class Told(Struct, frozen=True, kw_only=True):
    """Base of what clients get: every field is always there."""


class NewSession(Asked, frozen=True):
    """Starts a conversation; it has no fields."""


class NewMessage(Asked, frozen=True):
    """`id` is the client's own and makes a repeat harmless: the same id again is the same turn."""

    id: Id
    text: Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": TEXT_LIMIT})]


class NewFeedback(Asked, frozen=True):
    """What a person thinks of a turn."""

    id: Id
    turn: Id
    value: Literal["up", "down"]


class Session(Told, frozen=True):
    """A conversation and the bearer token that opens it, for 30 days."""

    session: str
    token: str


class Accepted(Told, frozen=True):
    """Stored. The reply that lists this turn among its `events` answers it."""

    turn: str


class Problem(Told, frozen=True):
    """Why a request was refused: a fixed word, and a sentence that says what to do."""

    error: str
    message: str


class About(Told, frozen=True):
    """What a chat page shows before the first message."""

    name: str
    greeting: str
    suggestions: tuple[str, ...]
    language: str


class Delta(Told, frozen=True):
    """A piece of an answer while it is made. `n` counts from 0; an `n` of 0 starts the answer anew."""

    turn: str
    n: int
    text: str


class State(Told, frozen=True):
    """`working`: the turn is being answered. `ready` (turn ""): everything committed so far has been sent."""

    turn: str
    state: Literal["working", "ready"]


class ReplyPart(Told, frozen=True):
    text: str
    choices: tuple[str, ...]


class ReplyCitation(Told, frozen=True):
    n: int
    source: str
    title: str
    url: str
    quote: str


class ReplyUsage(Told, frozen=True):
    prompt_tokens: int
    completion_tokens: int
    estimated: bool


class Reply(Told, frozen=True):
    """A committed turn: the server-sent event `reply`, whose id is its sequence in the log.

    `text` is Markdown with marks like [1] that match `citations`; `html` the same, sanitised. `events` are the turns (as
    `POST /v1/messages` returned them) that this one answers, `asked` what was written in them. `timings` are milliseconds.
    """

    turn: str
    text: str
    html: str
    parts: tuple[ReplyPart, ...]
    citations: tuple[ReplyCitation, ...]
    intent: str
    confidence: float
    track: str
    why: str
    model: str
    usage: ReplyUsage
    timings: dict[str, float]
    events: tuple[str, ...]
    outcome: Literal["answered", "clarify", "noted", "dead"]
    asked: str
    at: float


class Alive(Told, frozen=True):
    ok: bool


class Readiness(Told, frozen=True):
    """`services` says of each service "ready", or why it is not."""

    ready: bool
    services: dict[str, str]
