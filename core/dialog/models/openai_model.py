"""A chat model behind any OpenAI-compatible server: OpenAI, vLLM, Ollama, llama.cpp.

The `openai` SDK makes the request; the stream is read raw, because its own objects cost five times the CPU. Deadlines and
retries are ours: one clock runs over all tries to the first token, and once a piece is out there is no second try.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx2
import openai
import structlog

from core.assistant import Models
from core.dialog.models.chunks import Reading
from core.dialog.models.contract import Deadlines, Message, Spent
from core.dialog.models.refusals import refusal, unknown_option
from core.dialog.models.transport import Transport
from core.errors import ModelError
from core.records import Usage
from core.settings import shown
from core.tokens import Tokens

log = structlog.get_logger(__name__)

OPENAI = "https://api.openai.com/v1"
TRIES = 6
_TWINS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_USAGE_GRACE = 2.0
_MESSAGE_OVERHEAD = 4


class OpenAIModel:
    """Implements `Model`. `base_url` "" means OpenAI itself; `tokens` counts where the server does not."""

    def __init__(self, name: str, *, api_key: str, base_url: str, limits: Models, tokens: Tokens) -> None:
        self.name = name
        self._tokens = tokens
        self._client = openai.AsyncOpenAI(
            api_key=api_key or "none",
            base_url=base_url or OPENAI,
            max_retries=0,
            http_client=httpx2.AsyncClient(transport=Transport()),
        )
        self._deadlines = Deadlines(limits.first_token_seconds, limits.between_tokens_seconds, limits.whole_answer_seconds)
        self._cap = limits.max_tokens
        self._options: dict[str, Any] = {
            "stream_options": {"include_usage": True},
            "temperature": limits.temperature,
            "max_tokens" if base_url else "max_completion_tokens": limits.max_tokens,
        }
        self._unknown: set[str] = set()

    async def aclose(self) -> None:
        await self._client.close()

    async def stream(self, messages: tuple[Message, ...], *, spent: Spent) -> AsyncGenerator[str, None]:
        """See `Model.stream`."""
        clock = _Clock(self._deadlines)
        size = 0
        for tried in range(1, TRIES + 1):
            attempt = self._attempt(messages, clock, spent)
            try:
                async for piece in attempt:
                    size += len(piece)
                    yield piece
                return
            except ModelError as error:
                pause = clock.pause(error, tried)
                if size or pause is None:
                    raise
                log.info("model tried again", model=self.name, why=str(error), pause=round(pause, 2))
            finally:
                await attempt.aclose()
            await asyncio.sleep(pause)

    async def _attempt(self, messages: tuple[Message, ...], clock: "_Clock", spent: Spent) -> AsyncGenerator[str, None]:
        """One try. The timer is off while a piece is out with the caller: how long that takes is not the model's time."""
        reading = Reading()
        written: list[str] = []
        try:
            async with asyncio.timeout_at(clock.limit) as timer, self._request(messages) as response:
                reading.streamed = "json" not in response.headers.get("content-type", "")
                async for piece in _pieces(response.http_response, reading, timer, clock):
                    written.append(piece)
                    yield piece
        except TimeoutError:
            if not reading.finish:
                raise clock.overrun(begun=reading.signs > 0) from None
        except httpx2.HTTPError as error:
            if not reading.finish:
                raise ModelError(f"the connection to the model server broke: {_told(error)}", retry=True) from None
        if piece := reading.close():
            written.append(piece)
            yield piece
        answer = "".join(written)
        self._check(reading, answer)
        spent.usage = reading.usage if reading.usage else await asyncio.to_thread(self._estimate, messages, answer)
        spent.model = reading.model or self.name
        spent.cut = reading.finish == "length"

    @asynccontextmanager
    async def _request(self, messages: tuple[Message, ...]) -> AsyncIterator[openai.AsyncAPIResponse[Any]]:
        """The open response; leaving closes the connection where the answer was not read to its end."""
        request = self._client.chat.completions.with_streaming_response.create(
            model=self.name,
            messages=[{"role": message.role, "content": message.content} for message in messages],  # type: ignore[misc]
            stream=True,
            **self._options,
        )
        async with AsyncExitStack() as stack:
            try:
                response = await stack.enter_async_context(request)
            except openai.APIStatusError as error:
                if self._leave_out(unknown_option(error)):
                    raise ModelError(f"the model server does not know a field: {error.message}", retry=True, after=0) from None
                raise refusal(error, self.name) from None
            except openai.APIConnectionError as error:
                server, why = shown(str(self._client.base_url)), _told(error.__cause__ or error)
                raise ModelError(
                    f"the model server at {server} cannot be reached ({why}): check OPENAI_BASE_URL and that it runs",
                    retry=True,
                ) from None
            yield response

    def _leave_out(self, option: str) -> bool:
        """From now on ask without a field this server does not know; the token limit has two names, so the other is tried."""
        if option not in self._options:
            return option in self._unknown
        value = self._options.pop(option)
        self._unknown.add(option)
        twin = _TWINS.get(option)
        if twin and twin not in self._unknown:
            self._options[twin] = value
        log.info("model server does not know an option", model=self.name, option=option)
        return True

    def _check(self, reading: Reading, answer: str) -> None:
        """Raises ModelError unless the answer is whole. One that filled its token limit counts as whole (`Spent.cut`)."""
        if not reading.finish:
            raise ModelError("the answer of the model broke off before its end", retry=True)
        if reading.finish == "content_filter":
            raise ModelError("the model server's content filter stopped the answer")
        if answer.strip():
            return
        if reading.finish == "length":
            raise ModelError(f"the model used up max_tokens ({self._cap}) before it wrote a word: raise it in [models]")
        raise ModelError("the model answered with nothing", retry=True)

    def _estimate(self, messages: tuple[Message, ...], answer: str) -> Usage:
        prompt = sum(self._tokens.count(message.content) + _MESSAGE_OVERHEAD for message in messages)
        return Usage(prompt_tokens=prompt, completion_tokens=self._tokens.count(answer), estimated=True)


class _Clock:
    """The deadlines of one answer, in loop time. `limit` is when the next sign of life is due."""

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._now = asyncio.get_running_loop().time
        self._end = self._now() + deadlines.whole
        self.limit = self._first = min(self._now() + deadlines.first, self._end)
        self._signs = 0

    def after(self, reading: Reading) -> float:
        """The limit after some bytes: only a token moves it, a comment that keeps the connection open does not."""
        if reading.signs != self._signs:
            self._signs = reading.signs
            self.limit = min(self._now() + self._deadlines.between, self._end)
        if reading.finish:
            self.limit = min(self.limit, self._now() + _USAGE_GRACE)
        return self.limit

    def pause(self, error: ModelError, tried: int) -> float | None:
        """Seconds to wait before another try; None where it would not help or comes too late for a first token."""
        if not error.retry or tried == TRIES:
            return None
        pause = error.after if error.after is not None else random.uniform(0.5, 1) * 0.25 * 2 ** (tried - 1)
        if self._now() + pause >= self._first:
            return None
        self.limit, self._signs = self._first, 0
        return pause

    def overrun(self, *, begun: bool) -> ModelError:
        if self._now() >= self._end:
            return ModelError(f"the model did not finish within {self._deadlines.whole:g} s", retry=True)
        if begun:
            return ModelError(f"the model wrote nothing for {self._deadlines.between:g} s and was stopped", retry=True)
        return ModelError(f"the model wrote nothing within {self._deadlines.first:g} s", retry=True)


def _bytes(response: httpx2.Response) -> AsyncIterator[bytes]:
    """The body as it comes; where nothing needs unpacking, past the layers that would only pass it on."""
    if "content-encoding" in response.headers or not isinstance(response.stream, httpx2.AsyncByteStream):
        return response.aiter_bytes()
    return aiter(response.stream)


async def _pieces(
    response: httpx2.Response, reading: Reading, timer: asyncio.Timeout, clock: _Clock
) -> AsyncGenerator[str, None]:
    """What is read, piece by piece; the timer is off while a piece is out with the caller."""
    async for received in _bytes(response):
        if piece := reading.take(received):
            timer.reschedule(None)
            yield piece
        timer.reschedule(clock.after(reading))


def _told(error: BaseException) -> str:
    return str(error) or type(error).__name__
