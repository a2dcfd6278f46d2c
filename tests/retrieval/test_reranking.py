"""A reranker may put passages in another order; one that fails or dawdles changes nothing but what `legs` says."""

import asyncio
import threading

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from langchain_core.cross_encoders import BaseCrossEncoder

from core.assistant import Knowledge
from core.errors import ConfigError
from core.knowledge import SearchRequest
from retrieval.index import Index, Setup
from retrieval.reranking import AT_ONCE, find
from tests.retrieval.test_scope import put


class Shortest(BaseCrossEncoder):
    """Likes short passages."""

    def score(self, text_pairs):
        return [-len(text) for _, text in text_pairs]


class Stuck(BaseCrossEncoder):
    let_go = threading.Event()

    def score(self, text_pairs):
        self.let_go.wait(60)
        return [0.0] * len(text_pairs)


class Broken(BaseCrossEncoder):
    def score(self, text_pairs):
        return [float("nan")] * len(text_pairs)


class Reranker:
    """Speaks /rerank; `answer` is what it does, asked for is what it was sent."""

    def __init__(self):
        self.asked, self.keys = [], []
        self.answer = self.shortest_first

    async def __call__(self, request):
        body = await request.json()
        self.asked.append(body)
        self.keys.append(request.headers.get("Authorization"))
        return await self.answer(body["documents"])

    async def shortest_first(self, texts):
        scored = sorted(({"index": n, "relevance_score": -len(text)} for n, text in enumerate(texts)), key=str)
        return web.json_response({"results": scored})

    async def fails(self, _texts):
        return web.Response(status=503)

    async def sends_away(self, _texts):
        raise web.HTTPFound("/elsewhere")

    async def talks_nonsense(self, texts):
        return web.json_response({"results": [{"index": 0, "relevance_score": 1}] * len(texts)})

    async def sends_no_json(self, _texts):
        return web.Response(text="<html>")

    async def never_answers(self, _texts):
        await asyncio.Event().wait()


@pytest.fixture
async def server():
    reranker, app = Reranker(), web.Application()
    app.router.add_post("/rerank", reranker)
    async with TestServer(app) as running:
        reranker.address = str(running.make_url("/rerank"))
        yield reranker


def knowledge(place, seconds=30.0):
    return Knowledge(reranker=place, reranker_model="small", reranker_seconds=seconds)


def search(folder, score, query="moon garden", k=2):
    index = Index(folder, Setup(reranker=score))
    try:
        put(index, "best.md", "The moon garden, the moon garden of the moon and the garden.")
        put(index, "short.md", "One garden.")
        put(index, "long.md", "There is a garden, where anybody may sit and look at the moon for as long as they like to.")
        result = index.search(SearchRequest(query=query, k=k))
        return [passage.source for passage in result.passages], result.legs
    finally:
        index.close()


async def test_an_endpoint_puts_more_than_what_is_shown_in_order(server, tmp_path, monkeypatch):
    monkeypatch.setenv("RERANKER_API_KEY", "secret")
    found = await asyncio.to_thread(search, tmp_path, find(knowledge(server.address)))
    assert found == (["short.md", "best.md"], ("lexical", "reranked"))
    (asked,) = server.asked
    assert (asked["query"], asked["model"], len(asked["documents"])) == ("moon garden", "small", 3)
    assert server.keys == ["Bearer secret"]


@pytest.mark.parametrize("way", ["fails", "sends_away", "talks_nonsense", "sends_no_json"])
async def test_an_endpoint_that_fails_leaves_the_order_and_says_so(server, tmp_path, way):
    server.answer = getattr(server, way)
    found, legs = await asyncio.to_thread(search, tmp_path, find(knowledge(server.address)))
    assert (found[0], legs) == ("best.md", ("lexical", "reranker failed"))


async def test_an_endpoint_that_never_answers_is_not_waited_for(server, tmp_path):
    server.answer = server.never_answers
    found, legs = await asyncio.to_thread(search, tmp_path, find(knowledge(server.address, seconds=0.2)))
    assert (found[0], legs) == ("best.md", ("lexical", "reranker failed"))


def test_a_cross_encoder_by_its_dotted_path_puts_them_in_order(tmp_path):
    found = search(tmp_path, find(knowledge("tests.retrieval.test_reranking:Shortest")))
    assert found == (["short.md", "best.md"], ("lexical", "reranked"))


def test_a_cross_encoder_that_hangs_costs_its_deadline_and_no_more_threads_than_allowed(tmp_path):
    score = find(knowledge("tests.retrieval.test_reranking:Stuck", seconds=0.05))
    before = threading.active_count()
    for number in range(AT_ONCE + 3):
        assert search(tmp_path / str(number), score)[1] == ("lexical", "reranker failed")
    assert threading.active_count() - before <= AT_ONCE
    Stuck.let_go.set()


def test_scores_that_are_no_numbers_change_nothing(tmp_path):
    found, legs = search(tmp_path, find(knowledge("tests.retrieval.test_reranking:Broken")))
    assert (found[0], legs) == ("best.md", ("lexical", "reranker failed"))


@pytest.mark.parametrize("path", ["no_such_module:X", "tests.retrieval.fakes:not_embeddings", "x"])
def test_what_is_no_reranker_is_refused_by_name(path):
    with pytest.raises(ConfigError, match=r"knowledge\.reranker"):
        find(Knowledge(reranker=path))


def test_nothing_to_rerank_is_not_asked_about(tmp_path):
    assert search(tmp_path, find(knowledge("tests.retrieval.test_reranking:Broken")), query="zebra") == ([], ("lexical",))
