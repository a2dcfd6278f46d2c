"""Reranking: an optional second look at the best passages, by an endpoint or a LangChain cross-encoder.

It may only put passages in another order. One that fails, or takes longer than its deadline, leaves the order as it was.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import aiohttp
import structlog
from langchain_core.cross_encoders import BaseCrossEncoder

from core import settings
from core.assistant import Knowledge
from core.errors import ConfigError, ModelError
from core.settings import shown
from retrieval.embeddings import load

AT_ONCE = 4

log = structlog.get_logger("retrieval.reranking")

Score = Callable[[str, Sequence[str]], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that speaks `/rerank` as Cohere, Jina and others do."""

    address: str
    model: str
    key: str
    seconds: float

    def __call__(self, query: str, texts: Sequence[str]) -> list[float]:
        return asyncio.run(self._ask(query, texts))

    async def _ask(self, query: str, texts: Sequence[str]) -> list[float]:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        body: dict[str, Any] = {"query": query, "documents": list(texts), "top_n": len(texts), "return_documents": False}
        body |= {"model": self.model} if self.model else {}
        try:
            async with asyncio.timeout(self.seconds), aiohttp.ClientSession(headers=headers) as session:
                answer = await session.post(self.address, json=body, allow_redirects=False)
                if answer.status != 200:
                    raise ModelError(f"{shown(self.address)} answered {answer.status}")
                return _scores(await answer.json(content_type=None), len(texts))
        except (aiohttp.ClientError, ValueError) as error:
            raise ModelError(f"{shown(self.address)}: {error}") from None


@dataclass(frozen=True, slots=True)
class Encoder:
    """A LangChain cross-encoder in this process. It cannot be stopped, so only so many may run at once."""

    model: BaseCrossEncoder
    seconds: float
    running: threading.Semaphore

    def __call__(self, query: str, texts: Sequence[str]) -> list[float]:
        if not self.running.acquire(blocking=False):
            raise ModelError("it is still busy with earlier questions")
        done: SimpleQueue[Sequence[float] | None] = SimpleQueue()

        def work() -> None:
            try:
                done.put(self.model.score([(query, text) for text in texts]))
            except Exception as error:  # noqa: BLE001  # anybody's model
                log.warning("the cross-encoder failed", kind=type(error).__name__, reason=str(error))
                done.put(None)
            finally:
                self.running.release()

        threading.Thread(target=work, daemon=True, name="reranker").start()
        try:
            found = done.get(timeout=self.seconds)
        except Empty:
            raise TimeoutError(f"it took longer than {self.seconds} s") from None
        if found is None:
            raise ModelError("it failed")
        return [float(score) for score in found]


def find(knowledge: Knowledge) -> Score | None:
    """Raises ConfigError when what is named cannot be loaded or is no cross-encoder."""
    named, seconds = knowledge.reranker, knowledge.reranker_seconds
    if named.startswith(("http://", "https://")):
        return Endpoint(named, knowledge.reranker_model, settings.load().reranker_key, seconds)
    if not named:
        return None
    found = load(named, "knowledge.reranker")
    model = found if isinstance(found, BaseCrossEncoder) else found() if callable(found) else found
    if not isinstance(model, BaseCrossEncoder):
        raise ConfigError(f"knowledge.reranker: {named} is no LangChain cross-encoder but a {type(model).__name__}")
    return Encoder(model, seconds, threading.Semaphore(AT_ONCE))


def reordered(score: Score, query: str, texts: Sequence[str]) -> list[int]:
    """The texts' places, best first. Raises whatever the reranker raises; ModelError where its answer does not fit."""
    scores = score(query, texts)
    if len(scores) != len(texts) or any(one != one for one in scores):
        raise ModelError(f"it gave {len(scores)} scores for {len(texts)} passages")
    return sorted(range(len(texts)), key=lambda place: -scores[place])


def _scores(answer: Any, size: int) -> list[float]:
    """A score for each text, in their order."""
    try:
        found = {int(one["index"]): float(one["relevance_score"]) for one in answer["results"]}
        return [found[place] for place in range(size)]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"its answer is not in the form of /rerank ({type(error).__name__}: {error})") from None
