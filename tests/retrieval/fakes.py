"""Embeddings that behave: texts that share words lie near each other, and every text embedded is counted."""

import hashlib

from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

SIZE = 64
embedded: list[str] = []
queries: list[tuple[str, str]] = []


class Counting(Embeddings):
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        embedded.extend(texts)
        return [self._bag(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self._bag(text)

    def _bag(self, text: str) -> list[float]:
        vector = [0.001] * SIZE
        for word in text.lower().split():
            vector[hashlib.md5(word.encode()).digest()[0] % SIZE] += 1.0
        return vector


class Failing(Counting):
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        raise ConnectionError("the endpoint is away")

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


class OnceWorking(Counting):
    """Works for passages, fails for questions asked of it."""

    def embed_query(self, text: str) -> list[float]:
        if text.startswith("How long is a vector"):
            return super().embed_query(text)
        raise ConnectionError("the endpoint is away")


not_embeddings = 42


class Wiki(BaseLoader):
    """Two pages of one document and one of another; fails when `away` is set."""

    away = False

    def lazy_load(self):
        if Wiki.away:
            raise ConnectionError("the wiki is away")
        yield Document("The moon garden opens at seven.", metadata={"source": "https://wiki.example.com/moon", "title": "Moon"})
        yield Document("It closes at nine.", metadata={"source": "https://wiki.example.com/moon"})
        yield Document("The sun terrace opens at eight.", metadata={"source": "sun"})


class Misleading(Counting):
    """Vectors that say nothing about what a text means."""

    def _bag(self, text: str) -> list[float]:
        return [float(byte) - 127.5 for byte in hashlib.sha512(text.encode()).digest()]


class First(Embeddings):
    """Notes who was asked about which question."""

    size = 24

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        embedded.extend(texts)
        return [self._vector(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        queries.append((type(self).__name__, text))
        return self._vector(text)

    def _vector(self, text: str) -> list[float]:
        return [1.0 + byte for byte in hashlib.sha512(text.encode()).digest()[: self.size]]


class Second(First):
    size = 32


class Third(First):
    size = 40
