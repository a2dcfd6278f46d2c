"""What has been read is stored together while the next is read: many with one step, each whole, the last one's text counts."""

import asyncio
import threading
from contextlib import closing

import pytest

from core.assistant import Knowledge
from core.errors import StoreUnavailable
from core.knowledge import SearchRequest
from retrieval.index import Index, Setup
from retrieval.kinds import Place
from retrieval.kinds.contract import Offer, Seen
from retrieval.ledger import Ledger
from retrieval.readers.contract import LoadedDocument
from retrieval.shelf import Shelf
from retrieval.splitting import split
from retrieval.storing import AT_ONCE, Ready, storing


async def nothing(*_):
    return None


def ready(name, text):
    document = LoadedDocument(name, name, text)
    return Ready(Offer(name, f"/{name}", nothing), "", Seen(text, nothing), document, split(document))


@pytest.fixture
async def shelf(tmp_path):
    with closing(Index(tmp_path / "index", Setup())) as index, closing(Ledger(tmp_path / "ledger.sqlite3")) as ledger:
        made = Shelf(index, ledger, Place(tmp_path, tmp_path))
        await made.use(Knowledge())
        yield made


@pytest.fixture
def held(shelf, monkeypatch):
    """Storing waits until this is set; and how many documents each step has had."""
    go, steps, original = threading.Event(), [], shelf.index.put_all

    def waiting(changes):
        assert go.wait(60)
        steps.append(len(changes))
        original(changes)

    monkeypatch.setattr(shelf.index, "put_all", waiting)
    return go, steps


async def test_documents_read_while_one_is_stored_go_in_together_and_a_name_twice_in_two_steps(shelf, held):
    go, steps = held
    told = []
    async with storing(shelf, "command", stored=lambda one: told.append(one.offer.name), refused=pytest.fail) as stores:
        for name in ("a", "b", "c"):
            await stores.put(ready(name, f"The garden of {name}."))
        asyncio.get_running_loop().call_later(0.1, go.set)
        await stores.put(ready("b", "The cellar of b."))
    assert (steps, told) == ([1, 2, 1], ["a", "b", "c", "b"])
    assert shelf.index.counts()[0] == 3
    (passage,) = shelf.index.search(SearchRequest(query="cellar")).passages
    assert passage.source == "b"
    assert [one.source for one in shelf.index.search(SearchRequest(query="garden")).passages] == ["a", "c"]


async def test_no_more_are_kept_waiting_than_are_stored_at_once(shelf, held):
    go, steps = held
    go.set()
    await many(shelf)
    assert sum(steps) == 3 * AT_ONCE
    assert max(steps) <= AT_ONCE


async def test_an_index_that_cannot_be_written_ends_the_job(shelf, monkeypatch):
    def full(_changes):
        raise StoreUnavailable("no space left")

    monkeypatch.setattr(shelf.index, "put_all", full)
    with pytest.raises(StoreUnavailable, match="no space left"):
        await many(shelf)


async def many(shelf):
    async with storing(shelf, "command", stored=lambda _: None, refused=pytest.fail) as stores:
        for number in range(3 * AT_ONCE):
            await stores.put(ready(f"{number}", f"The garden of page{number}."))


async def test_who_is_cancelled_leaves_nobody_writing_behind(shelf, held):
    go, steps = held
    begun = asyncio.Event()

    async def job():
        async with storing(shelf, "command", stored=lambda _: None, refused=pytest.fail) as stores:
            await stores.put(ready("a", "The garden."))
            begun.set()
            await asyncio.sleep(600)

    task = asyncio.create_task(job())
    await begun.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.sleep(0.05)
    assert not task.done()
    go.set()
    await asyncio.wait([task])
    assert (task.cancelled(), steps, shelf.index.counts()[0]) == (True, [1], 1)
