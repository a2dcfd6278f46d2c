"""A server that speaks OpenAI's language, for vectors and for the odd sentence: deadlines and second tries are ours.

Blocking, for the threads that the index works in. Every call ends: `EACH` seconds a try, `WHOLE` for all tries of one request.
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import openai
import structlog

from core.errors import ModelError
from core.settings import shown

OPENAI = "https://api.openai.com/v1"
EACH, WHOLE = 20.0, 60.0
TRIES = 5
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 8.0
AT_ONCE = 64
LETTERS_AT_ONCE = 200_000
AGAIN = (408, 409, 429)
Answer = TypeVar("Answer")

log = structlog.get_logger("retrieval.served")


class Served:
    """One server. `base_url` "" means OpenAI itself. Raises ModelError for whatever it refuses or cannot do."""

    def __init__(self, *, api_key: str, base_url: str = "", each: float = EACH, whole: float = WHOLE) -> None:
        self._client = openai.OpenAI(api_key=api_key or "none", base_url=base_url or OPENAI, max_retries=0, timeout=each)
        self._whole = whole

    def vectors(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each text, in their order, asked for in batches."""
        found: list[list[float]] = []
        for batch in _batches(texts):
            found += self._tried(lambda batch=batch: self._batch(model, batch))  # type: ignore[misc]
        return found

    def write(self, model: str, prompt: str) -> str:
        """What a chat model says to this."""

        def ask() -> str:
            answer = self._client.chat.completions.create(model=model, messages=[{"role": "user", "content": prompt}])
            return (answer.choices[0].message.content or "") if answer.choices else ""

        return self._tried(ask)

    def close(self) -> None:
        self._client.close()

    def _batch(self, model: str, texts: list[str]) -> list[list[float]]:
        answer = self._client.embeddings.create(model=model, input=texts, encoding_format="float")
        vectors = [part.embedding for part in sorted(answer.data, key=lambda part: part.index)]
        if [part.index for part in sorted(answer.data, key=lambda part: part.index)] != list(range(len(texts))):
            raise ModelError(f"the embeddings server answered {len(texts)} texts with {len(vectors)} vectors")
        if len({len(vector) for vector in vectors}) > 1 or not vectors[0]:
            raise ModelError("the embeddings server sent vectors of different lengths")
        return vectors

    def _tried(self, ask: Callable[[], Answer]) -> Answer:
        """Again where that may help, until the time is over."""
        end = time.monotonic() + self._whole
        for tried in range(1, TRIES + 1):
            try:
                return ask()
            except openai.OpenAIError as error:
                pause = _pause(error, tried)
                if pause is None or tried == TRIES or time.monotonic() + pause > end:
                    raise ModelError(self._told(error)) from None
                log.info("asked again", server=shown(str(self._client.base_url)), why=str(error)[:200], pause=round(pause, 2))
                time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _told(self, error: openai.OpenAIError) -> str:
        server = shown(str(self._client.base_url))
        if isinstance(error, openai.APIStatusError):
            if error.status_code in (401, 403):
                return f"{server} does not accept the key ({error.status_code}): check OPENAI_API_KEY"
            return f"{server} refused ({error.status_code}): {' '.join(str(error.message).split())[:200]}"
        if isinstance(error, openai.APITimeoutError):
            return f"{server} did not answer in time"
        if isinstance(error, openai.APIConnectionError):
            return f"{server} cannot be reached ({error.__cause__ or error}): check its address and that it runs"
        return f"{server} sent something that is no answer: {str(error)[:200]}"


def _pause(error: openai.OpenAIError, tried: int) -> float | None:
    """Seconds to wait before another try; None where none would help."""
    backoff = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (tried - 1)) * random.uniform(0.5, 1)
    if isinstance(error, openai.APIStatusError):
        if (error.status_code not in AGAIN and error.status_code < 500) or error.code == "insufficient_quota":
            return None
        asked = error.response.headers.get("retry-after", "")
        return float(asked) if asked.replace(".", "", 1).isdecimal() else backoff
    return backoff if isinstance(error, openai.APIConnectionError) else None


def _batches(texts: Sequence[str]) -> list[list[str]]:
    """As many texts as fit one request; an empty one is sent as a blank, because servers refuse empty texts."""
    batches: list[list[str]] = []
    letters = 0
    for text in texts:
        if not batches or len(batches[-1]) >= AT_ONCE or letters + len(text) > LETTERS_AT_ONCE:
            batches.append([])
            letters = 0
        batches[-1].append(text if text.strip() else " ")
        letters += len(text)
    return batches
