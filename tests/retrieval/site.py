"""A web site of this machine: pages with ETags, and a record of what was asked for."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256

from aiohttp import web


@dataclass
class Site:
    """`pages`: path → body, or (status, headers, body). `sent` counts answers with a body by path, `asked` all requests. What is
    `slow` waits for `go_on`."""

    pages: dict[str, object] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    slow: set[str] = field(default_factory=set)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    host: str = ""

    @property
    def url(self):
        return f"http://{self.host}"

    def map(self, *paths):
        """Make these pages the site's map."""
        places = "".join(f"<url><loc>{self.url}{path}</loc></url>" for path in paths)
        self.pages["/sitemap.xml"] = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{places}</urlset>'

    async def answer(self, request):
        self.asked[request.path] += 1
        if request.path in self.slow:
            await self.go_on.wait()
        page = self.pages.get(request.path, (404, {}, "not here"))
        status, headers, body = page if isinstance(page, tuple) else (200, {}, page)
        data = body if isinstance(body, bytes) else body.encode()
        etag = f'"{sha256(data).hexdigest()[:8]}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304)
        self.sent[request.path] += 1
        kind = "application/xml" if request.path.endswith(".xml") else "text/html; charset=utf-8"
        return web.Response(status=status, body=data, headers={"Content-Type": kind, "ETag": etag, **headers})


@asynccontextmanager
async def site(**pages):
    made = Site(dict(pages))
    runner = web.AppRunner(web_application(made))
    await runner.setup()
    place = web.TCPSite(runner, "127.0.0.1", 0)
    await place.start()
    made.host = f"127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()


def web_application(made):
    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", made.answer)
    return application
