"""What a turn asks for help with may be away or never answer: search, the model that summarises, other people's code."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from core.assistant.tables import Knowledge
from core.bus_memory import MemoryBus
from core.dialog.models.contract import Message
from core.dialog.service import Equipped
from core.dialog.summary import outline, summarise
from core.dialog.tracks import runnable
from core.dialog.tracks.contract import Ask, Means
from core.errors import CannotServe, ModelError
from core.knowledge import SearchRequest, SearchResult
from core.memory import Conversation, Exchange
from core.records import encode
from core.settings import load
from tests.core.turn_world import CountsWords

GONE = (Exchange(turn="1", asked="Do you rent bikes?", answered="We do.", tokens=5),)


class Fails:
    """A model that breaks off."""

    name = "general"

    async def stream(self, messages: tuple[Message, ...], *, spent):
        yield "The person asked"
        raise ModelError("cut")


async def broken(data: bytes) -> bytes:
    return encode(SearchResult(error="the index is being made"))


@pytest.mark.parametrize(
    ("handlers", "why"),
    [({}, "does not answer"), ({"retrieval.search": broken}, "the index is being made")],
    ids=["away", "ill"],
)
async def test_without_search_a_track_cannot_serve_and_says_why(handlers: dict, why: str) -> None:
    bus = MemoryBus()
    async with AsyncExitStack() as closing, bus.serve("retrieval", handlers):
        equipped = Equipped(load(), bus, CountsWords(), closing)
        with pytest.raises(CannotServe, match=why):
            await equipped.search(SearchRequest(query="returns"))


async def test_where_the_model_cannot_summarise_an_outline_is_remembered() -> None:
    assert await summarise(Fails(), "They have a bike.", GONE) == outline("They have a bike.", GONE)


async def test_other_peoples_code_that_hangs_is_given_up() -> None:
    async def search(request: SearchRequest) -> SearchResult:
        return SearchResult()

    async def say(text: str) -> None:
        raise AssertionError(text)

    track = runnable.track("own", "tests.core.runnables:hanging", knowledge=Knowledge(), seconds=0.1)
    ask = Ask(text="?", conversation=Conversation(lane="l"), persona="", assistant="")
    async with asyncio.timeout(45):
        with pytest.raises(CannotServe, match=r"did not finish within 0\.1 s"):
            await track(ask, Means(Fails(), None, search), say)
