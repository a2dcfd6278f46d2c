"""What the scripted model server is asked, and what it answers or how it fails."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    body: dict[str, Any]
    headers: dict[str, str]
    peer: str = ""

    @property
    def messages(self) -> list[dict[str, str]]:
        return self.body.get("messages", [])

    @property
    def question(self) -> str:
        return next((m["content"] for m in reversed(self.messages) if m["role"] == "user"), "")

    @property
    def text(self) -> str:
        return "\n".join(m["content"] for m in self.messages)


@dataclass(frozen=True)
class Reply:
    """What to answer. Counts are tokens (words with the blanks before them) written before the fault; times are seconds.
    `whole` is sent as JSON, as a server does that cannot stream; `ping` is the time between comments while it hangs."""

    text: str = ""
    status: int = 200
    message: str = "scripted"
    code: str = ""
    param: str = ""
    retry_after: str = ""
    delay: float = 0.0
    pace: float = 0.0
    hang_after: int | None = None
    cut_after: int | None = None
    raw_after: int | None = None
    raw: str | bytes = b""
    finish: str | None = "stop"
    usage: bool = True
    done: bool = True
    newline: str = "\n"
    whole: dict[str, Any] | None = None
    ping: float = 0.0


def rate_limited(retry_after: str = "") -> Reply:
    return Reply(status=429, message="slow down", retry_after=retry_after)


def failing(status: int = 500, message: str = "scripted", **more: str) -> Reply:
    return Reply(status=status, message=message, **more)


def hanging() -> Reply:
    return Reply(hang_after=0)


def stalling(text: str, after: int) -> Reply:
    return Reply(text, hang_after=after)


def cut(text: str, after: int) -> Reply:
    return Reply(text, cut_after=after)


def broken(text: str, raw: str | bytes, after: int = 0) -> Reply:
    """These bytes stand in the stream after so many tokens, then it goes on."""
    return Reply(text, raw=raw, raw_after=after)


def error_in_stream(text: str, after: int = 0, message: str = "overloaded") -> Reply:
    return Reply(text, raw=f'data: {{"error": {{"message": "{message}", "type": "server_error"}}}}\n\n', raw_after=after)


def bad_json(text: str, after: int = 0) -> Reply:
    return broken(text, "data: {not json\n\n", after)


def bad_utf8(text: str, after: int = 0) -> Reply:
    return broken(text, b'data: {"choices": [{"index": 0, "delta": {"content": "\xff\xfe"}}]}\n\n', after)
