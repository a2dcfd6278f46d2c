"""Slack's Web API: one client whose every failure says whether the message may have been shown."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bots.kit.contact import Contact
from core.errors import Ambiguous, NotSent, RateLimited, Refused
from core.settings import Settings

PATIENCE = aiohttp.ClientTimeout(total=20, sock_connect=5)
AFTER = 30.0
"""Seconds to wait when Slack says to slow down but not for how long."""
UNSURE = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org"})
SLOWER = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
TOKEN_REFUSED = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"})


class Client:
    """An AsyncWebClient with one connection pool, opened when first used (a pool belongs to an event loop)."""

    def __init__(self, settings: Settings) -> None:
        base = settings.slack_api or AsyncWebClient.BASE_URL
        # The SDK's own retry sends a post again when only the reply was lost: two messages. Retrying is the kit's business.
        self.web = AsyncWebClient(settings.slack_token, base, retry_handlers=[], logger=logging.getLogger("slack"))
        self.contact, self.socket = Contact(), Contact()  # the Web API, and the socket that hears

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[AsyncWebClient]:
        """A block of Web API calls; whatever goes wrong in it is raised as a SendError."""
        self.pool()
        with self.contact.call(), translated():
            yield self.web

    def pool(self) -> aiohttp.ClientSession:
        if self.web.session is None or self.web.session.closed:
            self.web.session = aiohttp.ClientSession(timeout=PATIENCE)
        return self.web.session

    async def close(self) -> None:
        if self.web.session is not None:
            await self.web.session.close()


@contextmanager
def translated() -> Iterator[None]:
    """Raises NotSent, RateLimited, Refused or Ambiguous for what slack_sdk and aiohttp raise."""
    try:
        yield
    except SlackApiError as error:
        raise _refusal(error) from None
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise NotSent(f"cannot connect to Slack: {error}") from None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Ambiguous(f"the connection to Slack broke: {error or type(error).__name__}") from None


def code(error: Exception) -> str:
    """Slack's word for what went wrong, "" when it gave none."""
    cause = error.response if isinstance(error, SlackApiError) else None
    data: Any = getattr(cause, "data", None)
    return str(data.get("error") or "") if isinstance(data, dict) else ""


class SlackRefused(Refused):
    """Slack said no; `code` is its word for why."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


def _refusal(error: SlackApiError) -> NotSent | RateLimited | Refused | Ambiguous:
    why = code(error)
    status = int(getattr(error.response, "status_code", 0) or getattr(error.response, "status", 0) or 0)
    if status == 429 or why in SLOWER:
        return RateLimited(f"Slack: {why or status}", after=_wait(error))
    if status >= 500 or why in UNSURE or not (why or status >= 400):
        return Ambiguous(f"Slack failed: {why or status}")
    return SlackRefused(f"Slack: {why or status}", code=why)


def _wait(error: SlackApiError) -> float:
    headers = getattr(error.response, "headers", None) or {}
    try:
        return float(headers.get("Retry-After", AFTER))
    except ValueError:
        return AFTER
