"""Unset, a model has 15 s to its first token, 10 s between two and 90 s in all: the SDK would wait ten minutes.

The clock of the loop is put forward instead of waited for.
"""

import asyncio

import pytest

from core.assistant import Models
from core.dialog.models.contract import Message, Spent
from core.dialog.models.openai_model import OpenAIModel
from core.errors import ModelError
from core.tokens import for_model
from tests.core.virtual import Ahead, run_ahead
from tests.fakes.openai_server import OpenAIServer, Reply


@pytest.mark.parametrize(
    ("reply", "step", "patient", "impatient", "says"),
    [
        (Reply(hang_after=0), 12.0, 1, 2, "nothing within 15 s"),
        (Reply("one two three four", hang_after=3), 7.0, 1, 2, "nothing for 10 s"),
        (Reply("word " * 100_000, pace=0.0001), 5.0, 16, 20, "not finish within 90 s"),
    ],
    ids=["first token", "between tokens", "whole answer"],
)
def test_the_deadlines_nobody_has_set(tmp_path, reply: Reply, step: float, patient: int, impatient: int, says: str) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Ahead)
        async with OpenAIServer() as server:
            server.otherwise(reply)
            tokens = for_model("x", tmp_path)
            model = OpenAIModel("x", api_key="", base_url=server.base_url, limits=Models(), tokens=tokens)
            heard: list[str] = []
            asking = asyncio.create_task(hear(model, heard))
            while not server.open or (reply.hang_after and "three" not in "".join(heard)):
                await asyncio.sleep(0.0001)
            for steps in range(1, impatient + 1):
                loop.ahead += step
                before = len(heard)
                while not asking.done() and reply.pace and len(heard) < before + 2:
                    await asyncio.sleep(0.0001)
                await asyncio.sleep(0.0005)
                assert steps > patient or not asking.done()
            await asyncio.wait({asking}, timeout=0.3)
            assert asking.done(), "still waiting"
            with pytest.raises(ModelError, match=says):
                await asking
            await model.aclose()

    run_ahead(main())


async def hear(model: OpenAIModel, heard: list[str]) -> None:
    async for piece in model.stream((Message(role="user", content="Hello?"),), spent=Spent()):
        heard.append(piece)
