"""Embeddings of any OpenAI-compatible server: batched, in order, tried again where that helps, and never waited for by a person."""

import asyncio

import pytest

from core.assistant import Knowledge
from core.errors import ConfigError, ModelError
from retrieval import embeddings, served
from retrieval.embeddings.endpoint import Endpoint
from tests.fakes.embedding_server import EmbeddingServer


@pytest.fixture
async def server():
    async with EmbeddingServer() as made:
        yield made


def endpoint(server, **more):
    return Endpoint("small", api_key="key", base_url=server.base_url, **more)


async def documents(server, texts):
    return await asyncio.to_thread(endpoint(server).embed_documents, texts)


async def test_vectors_come_in_batches_and_in_the_order_of_their_texts(server):
    texts = [f"word{number}" for number in range(served.AT_ONCE * 2 + 1)]
    found = await documents(server, texts)
    assert found == [server._bag(text) for text in texts]
    assert [len(body["input"]) for body in server.asked] == [served.AT_ONCE, served.AT_ONCE, 1]
    assert {body["model"] for body in server.asked} == {"small"}
    assert {*server.keys} == {"Bearer key"}


async def test_long_texts_make_smaller_batches(server):
    await documents(server, ["x" * (served.LETTERS_AT_ONCE // 2 + 1)] * 3)
    assert [len(body["input"]) for body in server.asked] == [1, 1, 1]


async def test_a_server_that_is_busy_or_fails_is_asked_again(server):
    server.next(429, 503)
    assert len(await documents(server, ["one"])) == 1
    assert len(server.asked) == 3


async def test_a_refusal_is_told_and_not_asked_again(server):
    server.next(401)
    with pytest.raises(ModelError, match="OPENAI_API_KEY"):
        await documents(server, ["one"])
    assert len(server.asked) == 1


async def test_it_gives_up_on_a_server_that_keeps_failing(server):
    server.next(*[429] * 50)
    with pytest.raises(ModelError, match="429"):
        await documents(server, ["one"])
    assert len(server.asked) == served.TRIES


async def test_an_answer_that_lacks_vectors_is_no_answer(server):
    server.short = True
    with pytest.raises(ModelError, match="2 texts with 1 vectors"):
        await documents(server, ["one", "two"])


async def test_a_person_does_not_wait_for_a_server_that_hangs_and_the_next_is_not_sent_there(server):
    server.hang = True
    model = endpoint(server, asked=0.2)
    for _ in range(2):
        with pytest.raises(ModelError):
            await asyncio.to_thread(model.embed_query, "one")
    assert len(server.asked) == 1


async def test_a_server_that_is_not_there_is_named():
    model = Endpoint("small", api_key="", base_url="http://127.0.0.1:9/v1", asked=0.2)
    with pytest.raises(ModelError, match=r"127\.0\.0\.1:9"):
        await asyncio.to_thread(model.embed_query, "one")


def test_the_assistant_file_names_model_and_server(monkeypatch):
    found = embeddings.find(Knowledge(embeddings="openai:small", embeddings_url="http://127.0.0.1:9/v1"))
    assert found.name == "openai:small of http://127.0.0.1:9/v1"
    with pytest.raises(ConfigError, match="OPENAI_BASE_URL"):
        embeddings.find(Knowledge(embeddings="openai:small"))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:10/v1")
    assert embeddings.find(Knowledge(embeddings="openai:small")).name == "openai:small of http://127.0.0.1:10/v1"
