"""What an OpenAI-compatible server sends, decoded to the few fields that matter, and the state of one answer being read."""

from typing import Any

import msgspec

from core.dialog.models.sse import Events, TooLong
from core.errors import ModelError
from core.records import Usage

LIMIT = 1_000_000
"""Bytes: an answer or an event longer than this is a server gone wrong."""


class _Delta(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None


class _Counts(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Counts | None = None
    model: str | None = None
    error: Any = None
    object: str | None = None
    message: str | None = None


_decode = msgspec.json.Decoder(_Chunk).decode


class Reading:
    """One answer being read. `signs` counts the signs of progress, thinking aloud included; set `streamed` to False for an
    answer that comes as one JSON document."""

    def __init__(self) -> None:
        self.streamed = True
        self._events = Events(LIMIT)
        self._body = b""
        self._size = 0
        self.finish = ""
        self.model = ""
        self.usage: Usage | None = None
        self.signs = 0

    def take(self, received: bytes) -> str:
        """The text in these bytes. Raises ModelError for an error object, broken JSON, or far too much of anything."""
        if not self.streamed:
            self._body += received
            if len(self._body) > LIMIT:
                raise ModelError(f"the model server sent more than {LIMIT} bytes")
            return ""
        try:
            events = self._events.feed(received)
        except TooLong as error:
            raise ModelError(f"the model server sent {error}") from None
        return self._text(events)

    def close(self) -> str:
        """What is left at the end: the whole answer where the server does not stream."""
        if self.streamed:
            return self._text(self._events.close())
        text = self._text([self._body])
        self.finish = self.finish or "stop"
        return text

    def _text(self, events: list[bytes]) -> str:
        text = "".join([self._one(event) for event in events])
        self._size += len(text)
        if self._size > LIMIT:
            raise ModelError(f"the model wrote more than {LIMIT} characters")
        return text

    def _one(self, event: bytes) -> str:
        if event == b"[DONE]":
            self.finish = self.finish or "stop"
            return ""
        chunk = _chunk(event)
        if chunk.error or chunk.object == "error":
            raise _reported(chunk)
        if chunk.usage and chunk.usage.prompt_tokens:
            self.usage = _usage(chunk.usage)
        if chunk.model:
            self.model = chunk.model
        return self._choice(chunk.choices[0]) if chunk.choices else ""

    def _choice(self, choice: _Choice) -> str:
        if choice.finish_reason:
            self.finish = choice.finish_reason
        part = choice.delta or choice.message
        if part is None:
            return ""
        text = part.content or part.refusal or ""
        if text or part.reasoning_content or part.reasoning:
            self.signs += 1
        return text


def _chunk(event: bytes) -> _Chunk:
    try:
        return _decode(event)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return _decode(event.decode("utf-8", "replace"))
    except msgspec.DecodeError as error:
        raise ModelError(f"the model server sent something that is no chunk of an answer: {error}", retry=True) from None


def _usage(counts: _Counts) -> Usage:
    return Usage(prompt_tokens=counts.prompt_tokens or 0, completion_tokens=counts.completion_tokens or 0)


def _reported(chunk: _Chunk) -> ModelError:
    error = chunk.error if isinstance(chunk.error, dict) else {"message": chunk.error or chunk.message}
    lasting = "invalid" in str(error.get("type", "")) or error.get("code") == 400
    return ModelError(f"the model server broke off: {str(error.get('message'))[:200]}", retry=not lasting)
