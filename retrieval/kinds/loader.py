"""A LangChain loader as a source: everything it loads is offered, whole."""

import asyncio

from core.assistant import Source
from core.errors import ConfigError
from retrieval.kinds.contract import Content, Listing, Offer, Place, Seen
from retrieval.loaders import digest, documents
from retrieval.readers.contract import LoadedDocument, Unreadable


async def offers(source: Source, place: Place) -> Listing:
    try:
        loaded = await asyncio.to_thread(documents, source.at)
    except ConfigError as error:
        raise Unreadable(str(error)) from None
    return Listing([_offer(source, document) for document in loaded])


def _offer(source: Source, document: LoadedDocument) -> Offer:
    async def content() -> Content:
        return document

    async def look(_stamp: str) -> Seen:
        return Seen(sign, content, sign)

    sign = digest(document)
    return Offer(document.source, f"{source.at}/{document.source}", look, sign, document.url)
