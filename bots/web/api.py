"""The channel's own endpoints under `/v1`."""

import time
import unicodedata
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from bots.kit.contract import Accept
from bots.web.events import Conversation, EventStream, first_place
from bots.web.feed import Feed
from bots.web.http import Refusal, answer, read_json
from bots.web.limits import Buckets
from bots.web.sessions import CHANNEL, Sessions, TokenRefused
from bots.web.wire import BODY_LIMIT, TEXT_LIMIT, About, Accepted, NewFeedback, NewMessage, NewSession
from core.assistant import Watched
from core.bus import Bus
from core.records import Event

BURST, PER_SECOND = 40, 5
CONNECTIONS_PER_SESSION = 12
KEPT_CONTROLS = "\n\t\u200c\u200d\u200e\u200f"


def clean(text: str) -> str:
    """The text without what no person types: NUL and other control characters. Joiners and direction marks stay."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c in KEPT_CONTROLS or unicodedata.category(c) not in ("Cc", "Cs")).strip()


@dataclass(frozen=True, slots=True)
class Api:
    bus: Bus
    feed: Feed
    sessions: Sessions
    assistant: Watched
    accept: Accept
    limits: Buckets = field(default_factory=lambda: Buckets(BURST, PER_SECOND))

    async def new_session(self, request: Request) -> Response:
        await read_json(request, NewSession, BODY_LIMIT)
        return answer(self.sessions.new(), 201)

    async def new_message(self, request: Request) -> Response:
        session = self._session(request)
        message = await read_json(request, NewMessage, BODY_LIMIT)
        if len(message.text) > TEXT_LIMIT:
            raise Refusal(413, "too_long", f"text has {len(message.text):,} characters, the limit is {TEXT_LIMIT:,}")
        text = clean(message.text)
        if not text:
            raise Refusal(400, "empty", "text is empty: write a message")
        return await self._store(session, message.id, text=text)

    async def new_feedback(self, request: Request) -> Response:
        session = self._session(request)
        given = await read_json(request, NewFeedback, BODY_LIMIT)
        return await self._store(session, given.id, text=given.value, about=given.turn)

    async def events(self, request: Request) -> EventStream:
        lane = self.sessions.lane(self._session(request))
        after = request.headers.get("last-event-id") or request.query_params.get("after") or "0"
        if not after.isascii() or not after.isdigit() or len(after) > 18:
            raise Refusal(400, "bad_request", f"Last-Event-ID {after[:40]!r} is not a number: use the id of an event, or none")
        if self.feed.connections(lane) >= CONNECTIONS_PER_SESSION:
            raise Refusal(429, "too_many", "this conversation is open in too many places: close one", after=5)
        at = await first_place(self.bus, lane, int(after))
        return EventStream(Conversation(self.bus, self.feed, lane, at))

    async def about(self, _request: Request) -> Response:
        about = self.assistant.current().about
        return answer(About(name=about.name, greeting=about.greeting, suggestions=about.suggestions, language=about.language))

    async def _store(self, session: str, native: str, *, text: str, about: str = "") -> Response:
        """Accept what a person did; `about` names the turn that it is feedback on."""
        if wait := self.limits.take(session):
            raise Refusal(429, "too_fast", f"too many messages: wait {wait:.1f} seconds", after=wait)
        event = Event(
            id=self.sessions.event(session, native),
            channel=CHANNEL,
            lane=self.sessions.lane(session),
            kind="feedback" if about else "message",
            text=text,
            target=about,
            author=self.sessions.person(session),
            at=time.time(),
            group="",
        )
        await self.accept(event)
        return answer(Accepted(turn=event.id), 202)

    def _session(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = request.query_params.get("token", "")
        if not token:
            raise Refusal(401, "no_token", "say who you are: Authorization: Bearer TOKEN, from POST /v1/sessions")
        try:
            return self.sessions.open(token.strip())
        except TokenRefused as error:
            raise Refusal(401, "wrong_token", str(error)) from None
