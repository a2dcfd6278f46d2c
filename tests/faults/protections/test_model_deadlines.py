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

LIMITS = Models(first_token_seconds=0.5, between_tokens_seconds=0.3, whole_answer_seconds=1.5)
TEXT = "You may return a bike within thirty days."


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (hanging(), r"nothing within 0\.5 s"),
        (stalling(TEXT, after=3), r"nothing for 0\.3 s and was stopped"),
        (Reply("word " * 10_000, pace=0.02), r"did not finish within 1\.5 s"),
        (rate_limited("60"), "slow down"),
    ],
    ids=["before the first token", "between two tokens", "never done", "asked to wait"],
)
async def test_each_silence_ends_at_its_own_limit(tmp_path: Path, reply: Reply, why: str) -> None:
    async with OpenAIServer() as server:
        server.otherwise(reply)
        tokens = for_model("x", tmp_path)
        model = OpenAIModel("scripted", api_key="sk-test", base_url=server.base_url, limits=LIMITS, tokens=tokens)
        try:
            async with asyncio.timeout(8):
                with pytest.raises(ModelError, match=why):
                    _ = [piece async for piece in model.stream((Message(role="user", content="?"),), spent=Spent())]
        finally:
            await model.aclose()
