"""The records that travel between services: frozen, small, and the same for every channel and vendor.

Times are Unix seconds, durations milliseconds. Every record carries its schema version `v`; a reader refuses a record that
is newer than it knows (`decode` raises `RecordError`) and ignores fields it does not know.
"""

from typing import Any, Literal, TypeVar

import msgspec

from core.errors import RecordError

VERSION = 1


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of everything stored or sent."""


class Versioned(Record, frozen=True, kw_only=True):
    v: int = VERSION

    def __post_init__(self) -> None:
        if self.v > VERSION:
            raise ValueError(f"schema version {self.v} is newer than this program's {VERSION}: upgrade this service")


class Attachment(Record, frozen=True):
    """A file a person sent: where the channel can fetch it, not its bytes."""

    name: str
    kind: str = ""
    size: int = 0
    ref: str = ""


class Event(Versioned, frozen=True):
    """What a person did on a channel. `id` is deterministic: the same act seen twice has the same id.

    `lane` and `author` are keyed hashes (`core.keys`). `address` is what the channel needs to answer there
    (chat id, thread…) and is opaque to everyone else. `target` is the turn id a `feedback` or `edit` is about. `account` and
    `group` are native ids, of the bot's place and of all who read the answer: "" the author alone, None nobody knows.
    `track` asks for one track in place of the intent's route, `intent` says what the words are to be taken for, `audiences` to
    whom the asker belongs: for measuring, heeded on the channel `keys.EVALUATION` only.
    """

    id: str
    channel: str
    lane: str
    kind: Literal["message", "edit", "button", "feedback", "file", "stop"] = "message"
    text: str = ""
    author: str = ""
    at: float = 0.0
    address: dict[str, str] = {}
    attachments: tuple[Attachment, ...] = ()
    target: str = ""
    account: str = ""
    group: str | None = None
    track: str = ""
    intent: str = ""
    audiences: tuple[str, ...] = ()


class Ground(Record, frozen=True):
    """What words rest on: passages of one knowledge source, and who might read them then."""

    origin: str = ""
    audience: tuple[str, ...] = ()


class Citation(Record, frozen=True):
    """A source of an answer: `n` stands as [n] in its text, `quote` in the passage, at `start` of the document's text."""

    n: int
    source: str
    title: str
    url: str = ""
    quote: str = ""
    start: int = 0
    page: int = 0


class Usage(Record, frozen=True):
    """Tokens a turn cost; `estimated` when the model did not report them itself."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False

    def __add__(self, other: "Usage") -> "Usage":
        prompt, completion = self.prompt_tokens + other.prompt_tokens, self.completion_tokens + other.completion_tokens
        return Usage(prompt_tokens=prompt, completion_tokens=completion, estimated=self.estimated or other.estimated)


class Part(Record, frozen=True):
    """One piece of an answer: Markdown text, and the choices a person may tap instead of typing."""

    text: str
    choices: tuple[str, ...] = ()


class Turn(Versioned, frozen=True):
    """Events carried to their committed answer: one message of the log.

    `id` is the id of the first event; `events` are all it answers. `upto` is the sequence in IN of the last of them and
    `prev` the log sequence of the lane's turn before (0: none), so the log of a lane is a linked list from its end.
    `outcome`: `answered`; `clarify` (we asked back); `noted` (nothing to say: feedback, an edit…); `dead` (given up, the
    event stands in DEAD). `summary` is the running summary this turn saw; `grounds`: what it rests on. `routes`: the version
    of the routes that it followed (0: the assistant file); `target`: the turn that a feedback is about.
    """

    id: str
    channel: str
    lane: str
    events: tuple[str, ...]
    upto: int
    prev: int = 0
    asked: str = ""
    author: str = ""
    address: dict[str, str] = {}
    outcome: Literal["answered", "clarify", "noted", "dead"] = "answered"
    parts: tuple[Part, ...] = ()
    citations: tuple[Citation, ...] = ()
    intent: str = ""
    confidence: float = 0.0
    track: str = ""
    why: str = ""
    model: str = ""
    usage: Usage = Usage()
    timings: dict[str, float] = {}
    summary: str = ""
    grounds: tuple[Ground, ...] = ()
    at: float = 0.0
    routes: int = 0
    target: str = ""

    @property
    def text(self) -> str:
        return "\n\n".join(part.text for part in self.parts)


class Live(Record, frozen=True):
    """A piece of an answer while it is made, over core NATS: losing one loses nothing.

    `n` counts from 0 within one attempt; a Live with `n` 0 starts the answer anew (a retry, another track)."""

    turn: str
    n: int
    text: str = ""
    state: Literal["working", "text"] = "text"
    address: dict[str, str] = {}


class Receipt(Versioned, frozen=True):
    """How far the delivery of a lane stands: one message of the SENT stream, the last one counts.

    `state`: `intent` is stored before the socket write of message `part` of the turn at log sequence `upto`, `sent` after it
    with the platform's own message ids in `native`, `done` when the whole turn is out, `dropped` when it cannot be. `by` names
    the process that wrote it.
    """

    turn: str
    upto: int
    state: Literal["intent", "sent", "done", "dropped"]
    by: str = ""
    part: int = 0
    native: tuple[str, ...] = ()
    why: str = ""
    at: float = 0.0


class HookRequest(Versioned, frozen=True):
    """A webhook call as the web service received it, handed to the channel on `hook.<channel>`. Header names are lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


class HookResponse(Versioned, frozen=True):
    status: int
    headers: dict[str, str] = {}
    body: bytes = b""


class Health(Versioned, frozen=True):
    """What a service answers on `health.<service>`: ready or not, and why not."""

    service: str
    ready: bool
    detail: str = ""


_encoder = msgspec.json.Encoder()
_decoders: dict[type, msgspec.json.Decoder[Any]] = {}
T = TypeVar("T")


def encode(record: msgspec.Struct) -> bytes:
    return _encoder.encode(record)


def decode(kind: type[T], data: bytes) -> T:
    """Raises RecordError when `data` is not a valid record of this kind, naming the field."""
    decoder = _decoders.get(kind) or _decoders.setdefault(kind, msgspec.json.Decoder(kind))
    try:
        return decoder.decode(data)  # type: ignore[no-any-return]
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError) as error:
        raise RecordError(f"not a valid {kind.__name__}: {error}") from None
