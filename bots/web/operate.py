"""What operators and load balancers ask: is it alive, can it serve, what does it count."""

import asyncio
from dataclasses import dataclass

import structlog
from starlette.requests import Request
from starlette.responses import Response

from bots.web.http import answer
from bots.web.wire import Alive, Readiness
from core import keys
from core.bus import Bus
from core.errors import TurnoutError
from core.records import Health, decode
from core.vitals import join

PATIENCE = 1.5
METRICS = "text/plain; version=0.0.4; charset=utf-8"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Operate:
    bus: Bus
    services: tuple[str, ...]

    async def alive(self, _request: Request) -> Response:
        return answer(Alive(ok=True))

    async def ready(self, _request: Request) -> Response:
        states = dict(zip(self.services, await asyncio.gather(*map(self._state, self.services)), strict=True))
        ready = all(state == "ready" for state in states.values())
        return answer(Readiness(ready=ready, services=states), 200 if ready else 503)

    async def metrics(self, _request: Request) -> Response:
        texts = await asyncio.gather(*map(self._metrics, self.services))
        pages = {name: text for name, text in zip(self.services, texts, strict=True) if text}
        return Response(join(pages), media_type=METRICS)

    async def _state(self, service: str) -> str:
        try:
            health = decode(Health, await self.bus.request(keys.health(service), b"", timeout=PATIENCE))
        except TurnoutError as error:
            return str(error)
        return "ready" if health.ready else health.detail or "not ready"

    async def _metrics(self, service: str) -> str:
        try:
            return (await self.bus.request(keys.metrics(service), b"", timeout=PATIENCE)).decode()
        except TurnoutError as error:
            log.warning("metrics_missing", of=service, reason=str(error))
            return ""
