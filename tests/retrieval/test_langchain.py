"""LangChain's own conformance suites, over the running service and over an index."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_tests.integration_tests import RetrieversIntegrationTests, VectorStoreIntegrationTests

from core.errors import TurnoutError
from core.settings import load
from retrieval.langchain import TurnoutRetriever, TurnoutVectorStore
from retrieval.stores.rest import Server
from tests.retrieval.rig import ASSISTANT


class TestVectorStore(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, tmp_path) -> Iterator[TurnoutVectorStore]:
        with closing(TurnoutVectorStore(tmp_path, self.get_embeddings())) as store:
            yield store


class TestVectorStoreOnServer(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, tmp_path, server) -> Iterator[TurnoutVectorStore]:
        with closing(TurnoutVectorStore(tmp_path, self.get_embeddings(), server=Server(server.url))) as store:
            yield store
            assert server.collections


@pytest.fixture(scope="module")
def running(servers, tmp_path_factory):
    """A service in a process of its own, which knows five pages about gardens."""
    folder = tmp_path_factory.mktemp("langchain")
    (folder / "knowledge").mkdir()
    (folder / "assistant.toml").write_text(ASSISTANT)
    for name in ("moon", "sun", "star", "rain", "wind"):
        (folder / "knowledge" / f"{name}.md").write_text(f"The {name} garden opens at seven.")
    given = load(
        TURNOUT_DATA=folder / "data",
        TURNOUT_ASSISTANT=folder / "assistant.toml",
        NATS_URL=servers.nats_url,
        REDIS_URL=servers.redis_url,
    )
    variables = {
        "TURNOUT_DATA": str(given.data),
        "TURNOUT_ASSISTANT": str(given.assistant),
        "NATS_URL": given.nats_url,
        "REDIS_URL": "redis://unused",
    }
    process = subprocess.Popen([sys.executable, "-m", "core.cli", "serve", "retrieval"], env={**os.environ, **variables})
    try:
        deadline = time.monotonic() + 60
        while not _answers(given.nats_url):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield given.nats_url
    finally:
        process.terminate()
        process.wait(15)


def _answers(url):
    try:
        return len(TurnoutRetriever(nats_url=url).invoke("garden")) == 5
    except TurnoutError:
        return False


class TestRetriever(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _service(self, running):
        type(self).url = running

    @property
    def retriever_constructor(self) -> type[TurnoutRetriever]:
        return TurnoutRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, object]:
        return {"nats_url": self.url}

    @property
    def retriever_query_example(self) -> str:
        return "when does the garden open"


async def test_it_may_be_asked_where_an_event_loop_runs(running):
    assert len(TurnoutRetriever(nats_url=running, k=2).invoke("garden")) == 2


def test_what_was_added_is_there_after_a_restart_and_found_by_its_words(tmp_path):
    metadata = {"page": 3, "where": {"shelf": "ä"}}
    with closing(
        TurnoutVectorStore.from_texts(
            ["Fahrräder leihen"], DeterministicFakeEmbedding(size=6), [metadata], ids=["a"], folder=tmp_path, language="de"
        )
    ):
        pass
    with closing(TurnoutVectorStore(tmp_path, language="de")) as store:
        assert store.similarity_search("Fahrrad") == [Document(id="a", page_content="Fahrräder leihen", metadata=metadata)]
        assert store.delete()
        assert store.similarity_search("Fahrrad") == []
