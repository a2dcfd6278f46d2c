"""Who is in a Slack channel. Asked again every few seconds: whoever leaves or joins counts with the next question."""

import time

import structlog

from bots.slack.api import Client
from core.audience import MembersRequest
from core.errors import SendError
from core.keys import Keys

FRESH = 3.0
PAGE = 1000
MOST = 5000
"""People a channel may have and still be looked through."""

REMEMBERED = 1000

log = structlog.get_logger()

People = tuple[str, ...] | None


class Roll:
    """The members of channels, as keyed hashes; other bots count, ours does not."""

    def __init__(self, client: Client, channel: str, keys: Keys) -> None:
        self._client, self._channel, self._keys = client, channel, keys
        self._known: dict[MembersRequest, tuple[float, People]] = {}

    async def of(self, asked: MembersRequest, bot: str) -> People:
        """None where Slack does not tell, and for a channel of more than `MOST`."""
        until, people = self._known.get(asked, (0.0, None))
        if until > time.monotonic():
            return people
        self._known.pop(asked, None)
        now = time.monotonic()
        people = await self._look(asked, bot)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[asked] = (now + FRESH, people)
        return people

    async def _look(self, asked: MembersRequest, bot: str) -> People:
        found: list[str] = []
        cursor = ""
        try:
            while len(found) <= MOST:
                async with self._client.calling() as web:
                    page = await web.conversations_members(channel=asked.group, limit=PAGE, cursor=cursor or None)
                found += page.get("members") or ()
                cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
                if not cursor:
                    people = (user for user in found if user != bot)
                    return tuple(self._keys.person(self._channel, asked.account, user) for user in people)
        except SendError as error:
            fix = "give the app the scopes channels:read, groups:read and mpim:read"
            log.warning("slack_members_unknown", reason=str(error), fix=fix)
        return None
