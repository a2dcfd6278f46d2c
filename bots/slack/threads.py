"""Which threads the bot takes part in. Slack itself knows: nothing is stored here, so every process and every restart knows."""

import time
from collections import OrderedDict

from bots.slack.api import Client, SlackRefused

REMEMBERED = 10_000
LOOK_AGAIN = 60.0
"""Seconds before a thread we were not in is looked at again: another process may have been mentioned in it meanwhile."""


class Threads:
    """Threads known to be ours are remembered, the least recently used forgotten first."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: OrderedDict[tuple[str, str], float] = OrderedDict()

    def join(self, thread: tuple[str, str]) -> None:
        """The bot was asked in it."""
        self._remember(thread, float("inf"))

    async def ours(self, thread: tuple[str, str], bot: str) -> bool:
        """Whether the bot wrote or was mentioned in it. Raises SendError while Slack cannot be asked."""
        until = self._known.get(thread)
        if until is not None and until > time.monotonic():
            self._known.move_to_end(thread)
            return until == float("inf")
        ours = await self._look(thread, bot)
        self._remember(thread, float("inf") if ours else time.monotonic() + LOOK_AGAIN)
        return ours

    async def _look(self, thread: tuple[str, str], bot: str) -> bool:
        cursor = ""
        while True:
            try:
                async with self._client.calling() as web:
                    page = await web.conversations_replies(channel=thread[0], ts=thread[1], limit=200, cursor=cursor or None)
            except SlackRefused:
                return False
            for message in page.get("messages") or ():
                if message.get("user") == bot or f"<@{bot}>" in str(message.get("text", "")):
                    return True
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return False

    def _remember(self, thread: tuple[str, str], until: float) -> None:
        self._known[thread] = until
        self._known.move_to_end(thread)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
