"""`/sources/…`: a cited document as a page, with the cited words marked and in view."""

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bots.web.document import drawn
from bots.web.sessions import CHANNEL
from core.assistant import Watched
from core.audience import visitors
from core.bus import Bus
from core.errors import Unavailable
from core.knowledge import Document, DocumentRequest
from core.records import decode, encode

PATIENCE = 3.0
PAGE = Template((Path(__file__).parent / "static" / "source.html").read_text("utf-8"))
UNKNOWN = "There is no such document, or it has been removed since it was cited."
CHANGED = "The cited words do not stand here any more: the document has changed since."
AWAY = "The documents cannot be read just now. Please try again in a moment."


@dataclass(frozen=True, slots=True)
class Sources:
    bus: Bus
    assistant: Watched

    async def show(self, request: Request) -> Response:
        source = request.path_params["source"]
        asked = DocumentRequest(source=source, audiences=visitors(self.assistant.current(), CHANNEL))
        try:
            answer = await self.bus.request("retrieval.document", encode(asked), timeout=PATIENCE)
        except Unavailable:
            return self._page(source, note(AWAY), 503)
        document = decode(Document, answer)
        if not document.text:
            return self._page(source, note(UNKNOWN), 404)
        asked_for = request.query_params
        body = marked(document.text, asked_for.get("quote", ""), number(asked_for.get("at")))
        return self._page(document.title or source, body, 200, page=number(asked_for.get("page")))

    def _page(self, title: str, body: str, status: int, *, page: int = 0) -> Response:
        name = self.assistant.current().about.name
        kicker = f"Source, page {page}" if page else "Source"
        html = PAGE.substitute(title=escape(title), name=escape(name), body=body, kicker=kicker)
        return HTMLResponse(html, status, {"cache-control": "no-store"})


def note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


def marked(text: str, quote: str, at: int = 0) -> str:
    """The text as a page, the place of the quote that is nearest to `at` marked, however its white space is broken."""
    start, end = find(text, quote, at)
    told = note(CHANGED) if quote.strip() and start == end else ""
    return f'{told}<div class="text">{drawn(text, start, end)}</div>'


def find(text: str, quote: str, at: int = 0) -> tuple[int, int]:
    """Where the quote stands in the text; (0, 0) where it does not. An ellipsis at either end is no part of it."""
    words = quote.strip().strip("…").split()
    if not words:
        return 0, 0
    places = (found.span() for found in re.finditer(r"\s+".join(map(re.escape, words)), text))
    return min(places, key=lambda place: abs(place[0] - at), default=(0, 0))
