"""A model that falls silent is given up for the reason that it fell silent, long before a person would."""

import asyncio
from pathlib import Path

import pytest

from core.assistant import Models
from core.dialog.models.contract import Message, Spent
from core.dialog.models.openai_model import OpenAIModel
from core.errors import ModelError
from core.tokens import for_model
from tests.fakes.openai_server import OpenAIServer, Reply, hanging, rate_limited, stalling

OTHERS = {"first_token_seconds": 60, "between_tokens_seconds": 60, "whole_answer_seconds": 60}
TEXT = "You may return a bike within thirty days."


@pytest.mark.parametrize(
    ("reply", "short", "why"),
    [
        (hanging(), "first_token_seconds", r"nothing within 0\.5 s"),
        (stalling(TEXT, after=3), "between_tokens_seconds", r"nothing for 0\.5 s and was stopped"),
        (Reply("word " * 10_000, pace=0.02), "whole_answer_seconds", r"did not finish within 0\.5 s"),
        (rate_limited("600"), "first_token_seconds", "slow down"),
    ],
    ids=["before the first token", "between two tokens", "never done", "asked to wait"],
)
async def test_each_silence_ends_at_its_own_limit(tmp_path: Path, reply: Reply, short: str, why: str) -> None:
    async with OpenAIServer() as server:
        server.otherwise(reply)
        tokens = for_model("x", tmp_path)
        model = OpenAIModel(
            "scripted", api_key="sk-test", base_url=server.base_url, limits=Models(**OTHERS | {short: 0.5}), tokens=tokens
        )
        try:
            async with asyncio.timeout(50):
                with pytest.raises(ModelError, match=why):
                    _ = [piece async for piece in model.stream((Message(role="user", content="?"),), spent=Spent())]
        finally:
            await model.aclose()
