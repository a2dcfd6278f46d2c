"""Webhooks of other channels: the call goes to the channel's own process as it came, and its answer goes back.

This process verifies nothing and knows no platform. Nobody there, or no answer in time, is 503: the platform repeats the call.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bots.web.http import Refusal, read_body
from bots.web.wire import HOOK_LIMIT
from core import keys
from core.bus import Bus
from core.errors import Unavailable
from core.records import HookRequest, HookResponse, decode, encode

PATIENCE = 2.8  # seconds; Slack repeats a call after 3
NO_CHANNELS = {"core", "retrieval", "web", "servers", "tuning", "console"}


@dataclass(frozen=True, slots=True)
class Hooks:
    bus: Bus
    channels: frozenset[str]

    @classmethod
    def of(cls, bus: Bus, services: str) -> "Hooks":
        """The channels that ship with Turnout, and whatever else was started."""
        started = {name.strip() for name in services.split(",")}
        return cls(bus, frozenset({"telegram", "slack"} | started - NO_CHANNELS - {""}))

    def routes(self) -> Iterator[Route]:
        for channel in sorted(self.channels):
            yield Route(f"/{channel}/{{rest:path}}", partial(self.call, channel), methods=["POST"])

    async def call(self, channel: str, request: Request) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        call = HookRequest(
            path=request.url.path + query,
            headers={name: value for name, value in request.headers.items() if name != "cookie"},
            body=await read_body(request, HOOK_LIMIT),
        )
        try:
            answer = await self.bus.request(keys.hook(channel), encode(call), timeout=PATIENCE)
        except Unavailable as error:
            raise Refusal(503, "unavailable", f"{channel} does not answer: {error}", after=5) from None
        response = decode(HookResponse, answer)
        return Response(response.body, response.status, response.headers)
