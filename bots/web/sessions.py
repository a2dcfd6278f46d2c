"""Web sessions: a token that says itself which conversation it opens and until when, signed with the installation's secret.

Nothing is stored for a session, so making one costs nothing and any replica can check any token.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from bots.web.wire import Session
from core.errors import TurnoutError
from core.keys import Keys

CHANNEL = "web"
LIFETIME = 30 * 24 * 3600


class TokenRefused(TurnoutError):
    """This token opens no conversation."""


@dataclass(frozen=True, slots=True)
class Sessions:
    secret: bytes
    clock: Callable[[], float] = time.time

    def new(self) -> Session:
        session = secrets.token_urlsafe(15)
        return Session(session=session, token=self.token(session, int(self.clock()) + LIFETIME))

    def token(self, session: str, until: int) -> str:
        body = f"{session}.{until}"
        return f"{body}.{self._sign(body)}"

    def open(self, token: str) -> str:
        """The session a token opens; raises TokenRefused, saying why."""
        body, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(body).encode()):
            raise TokenRefused("this token is not one of ours: make a session with POST /v1/sessions")
        session, _, until = body.partition(".")
        if int(until) <= self.clock():
            raise TokenRefused("this token has expired: make a session with POST /v1/sessions")
        return session

    def lane(self, session: str) -> str:
        return Keys(self.secret).lane(CHANNEL, "", session)

    def event(self, session: str, native: str) -> str:
        return Keys(self.secret).event(CHANNEL, session, native)

    def person(self, session: str) -> str:
        return Keys(self.secret).person(CHANNEL, "", session)

    def _sign(self, body: str) -> str:
        digest = hmac.new(self.secret, b"web session\x1f" + body.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
