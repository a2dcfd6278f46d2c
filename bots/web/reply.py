"""A committed turn as the web channel tells it."""

import re
from urllib.parse import quote, urlencode

from bots.kit.markdown import to_html
from bots.web.wire import Reply, ReplyCitation, ReplyPart, ReplyUsage
from core.records import Citation, Turn

QUOTE_IN_LINK = 300
_OPENABLE = re.compile(r"https?://|/(?![/\\])", re.IGNORECASE)  # no `javascript:`: documents come from anywhere


def reply(turn: Turn) -> Reply:
    return Reply(
        turn=turn.id,
        text=turn.text,
        html=to_html(turn.text, turn.citations),
        parts=tuple(ReplyPart(text=part.text, choices=part.choices) for part in turn.parts),
        citations=tuple(_citation(citation) for citation in turn.citations),
        intent=turn.intent,
        confidence=turn.confidence,
        track=turn.track,
        why=turn.why,
        model=turn.model,
        usage=ReplyUsage(
            prompt_tokens=turn.usage.prompt_tokens,
            completion_tokens=turn.usage.completion_tokens,
            estimated=turn.usage.estimated,
        ),
        timings=turn.timings,
        events=turn.events,
        outcome=turn.outcome,
        asked=turn.asked,
        at=turn.at,
    )


def _citation(citation: Citation) -> ReplyCitation:
    return ReplyCitation(
        n=citation.n,
        source=citation.source,
        title=citation.title or citation.source,
        url=citation.url if _OPENABLE.match(citation.url) else place(citation),
        quote=citation.quote,
    )


def place(citation: Citation) -> str:
    """Where this service itself shows the cited words: a path, for a source without an address that a browser may open."""
    words = " ".join(citation.quote.split())
    if len(words) > QUOTE_IN_LINK:
        words = words[: QUOTE_IN_LINK + 1].rpartition(" ")[0] or words[:QUOTE_IN_LINK]
    told = {"quote": words, "at": citation.start, "page": citation.page}
    query = f"?{urlencode({name: value for name, value in told.items() if value})}#cited" if words else ""
    return f"/sources/{quote(citation.source)}{query}"
