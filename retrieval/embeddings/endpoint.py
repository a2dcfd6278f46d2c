"""Embeddings from any server that speaks OpenAI's language."""

import time

from langchain_core.embeddings import Embeddings

from core.errors import ModelError
from retrieval.served import Served

AT_ONCE = 64
ASKED = 3.0
REST = 10.0


class Endpoint(Embeddings):
    """Passages wait for their vectors, people do not: a question that got none is searched by its words, and the server is left
    alone for `REST` seconds then."""

    def __init__(self, model: str, *, api_key: str, base_url: str, asked: float = ASKED) -> None:
        self._model = model
        self._patient = Served(api_key=api_key, base_url=base_url)
        self._quick = Served(api_key=api_key, base_url=base_url, each=asked, whole=asked)
        self._until = 0.0

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self._patient.vectors(self._model, texts)

    def embed_query(self, text: str) -> list[float]:
        if time.monotonic() < self._until:
            raise ModelError("the embeddings server failed a moment ago and is left alone")
        try:
            return self._quick.vectors(self._model, [text])[0]
        except ModelError:
            self._until = time.monotonic() + REST
            raise
