"""Wires the web service: one place that knows every part."""

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bots.kit.admission import Admission
from bots.web import assets, openapi
from bots.web.api import Api
from bots.web.feed import Feed
from bots.web.hooks import Hooks
from bots.web.http import HANDLERS, Headers
from bots.web.operate import Operate
from bots.web.routes import operations, route
from bots.web.sessions import CHANNEL, Sessions
from bots.web.sources import Sources
from core.assistant import Watched
from core.bus import Bus
from core.settings import Settings


def application(settings: Settings, bus: Bus, feed: Feed) -> Starlette:
    """Raises ConfigError when the assistant file cannot be used."""
    assistant = Watched(settings.assistant)
    services = tuple(name.strip() for name in settings.services.split(",") if name.strip())
    accept = Admission(bus, lambda: assistant.current().policy(CHANNEL).backlog)
    api = Api(bus, feed, Sessions(settings.secret_key()), assistant, accept)
    table = operations(api, Operate(bus, services))
    described = msgspec.json.encode(openapi.document(table))

    async def describe(_request: Request) -> Response:
        return Response(described, media_type="application/json")

    app = Starlette(
        routes=[
            *map(route, table),
            Route("/openapi.json", describe),
            Route("/sources/{source:path}", Sources(bus, assistant).show),
            *assets.routes(),
            *Hooks.of(bus, settings.services).routes(),
        ],
        middleware=[Middleware(Headers)],
        exception_handlers=HANDLERS,
    )
    app.router.redirect_slashes = False
    return app
