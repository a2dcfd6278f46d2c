"""The channel contract: a channel translates, the kit does everything else.

A channel is one class with a `manifest`, made from Settings. The kit (`bots.kit.service`) publishes before it lets the channel
acknowledge, drops duplicates, keeps lanes in order, splits, throttles, waits out rate limits, and stores an intent before
and a receipt after each send. The optional methods are used only where the manifest declares the capability.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from core.audience import Members, MembersRequest
from core.records import Event, HookRequest, HookResponse, Record, Turn

REPEAT = "↻ (may be a repeat) "
"""`bots.kit.answer.pages` leaves room for it."""

Capability = Literal["edit", "stream", "typing", "reconcile", "hook", "files", "buttons", "feedback", "members"]


class Limits(Record, frozen=True):
    """`text`: the most of one native message, in `unit`. `edit_every`: least seconds between edits of one streamed message.
    `per_second`: native calls a second over all lanes; `lane_every`: least seconds between two messages of one lane."""

    text: int = 4000
    unit: Literal["characters", "utf16", "bytes"] = "characters"
    edit_every: float = 1.0
    per_second: float = 30.0
    lane_every: float = 0.0


class Manifest(Record, frozen=True):
    """What a channel is, as data. `settings` names the environment variables it needs; `markdown` its dialect."""

    id: str
    title: str
    markdown: str
    limits: Limits = Limits()
    settings: tuple[str, ...] = ()
    capabilities: frozenset[Capability] = frozenset()


class Native(Record, frozen=True):
    """One message ready for the platform: `body` in the channel's own form, `plain` its fallback when the form is refused:
    the kit then delivers it again with an empty body, which means: send `plain` as it is.

    `id` is the same every time this message is rendered (turn id and place), so a platform that can look for it finds it.
    `edits` names the native message it replaces instead of being sent anew. `repeat`: begin what is shown with `REPEAT`,
    because nobody knows whether the first try arrived (never set where the capability `reconcile` is declared). `orphan`: a
    preview of it may stand that a dead process left; where that can be found it is to become the message.
    """

    id: str
    address: dict[str, str]
    plain: str
    body: dict[str, object] = {}
    edits: str = ""
    repeat: bool = False
    orphan: bool = False


Accept = Callable[[Event], Awaitable[None]]
"""Returns once the event is stored; raises Unavailable or Full when it is not. Only then may the platform be answered."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The state of an answer while it is made: all the text so far. `text` "" means: still thinking."""

    turn: str
    text: str
    address: dict[str, str]


class Channel(Protocol):
    """What every channel has. Errors of `deliver`: NotSent, RateLimited, Refused, Ambiguous (`core.errors`)."""

    manifest: Manifest

    def parse(self, raw: dict[str, object]) -> list[Event]:
        """Pure: the events in one native update; [] for what is not for us (the bot's own echo among it)."""

    def render(self, turn: Turn) -> list[Native]:
        """Pure: the turn as native messages, in order, none longer than the limits."""

    async def run(self, accept: Accept) -> None:
        """Receive for ever: await `accept(event)`, then acknowledge to the platform. Cancelled to stop."""

    async def deliver(self, message: Native) -> str:
        """One native send or edit; returns the platform's id of the message."""

    async def close(self) -> None: ...


@runtime_checkable
class Reports(Protocol):
    """A channel that knows whether its platform can be reached says so, and its health tells it."""

    @property
    def away(self) -> str:
        """Why the platform has not been reached for a while, "" where it was."""


class Typing(Protocol):
    """Capability `typing`: the sign that an answer is being made. It fades by itself; the kit repeats it."""

    async def typing(self, address: dict[str, str]) -> None: ...


class Streams(Protocol):
    """Capability `stream`: show an answer while it grows. What it shows is a preview: losing it loses nothing.

    `show` gets the whole text so far and returns an id it is given back in `shown` next time. When the answer is committed
    the kit passes the id as `edits` of the first native message, so that the preview becomes the answer; a preview that
    fades by itself (a draft) returns "".
    """

    async def show(self, piece: Piece, shown: str) -> str: ...

    async def withdraw(self, shown: str, address: dict[str, str]) -> None:
        """Take a preview away that was left over, unless it has become the answer after all. Raises what `deliver` raises."""


class Reconciles(Protocol):
    """Capability `reconcile`: after an ambiguous send, look whether it arrived. The platform's id, or "" when it did not."""

    async def find(self, message: Native) -> str: ...


class Knows(Protocol):
    """Capability `members`: who is in a group, asked whenever an answer there turns on it. What is kept of it is kept for five
    seconds at most. Raises nothing: where the platform does not tell, `people` is None."""

    async def members(self, asked: MembersRequest) -> Members: ...


class Hooks(Protocol):
    """Capability `hook`: webhook calls on `POST /<channel>/…` of the web service, answered by the channel's own process."""

    async def hook(self, request: HookRequest, accept: Accept) -> HookResponse: ...
