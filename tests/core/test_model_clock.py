"""How long a model may take, and what counts: a token is a sign of life, a comment is none, and what the caller does is not its time."""

import asyncio

import pytest

from core.dialog.models.contract import Spent
from core.errors import ModelError
from tests.core.test_models import ASK, PATIENT, TEXT, answer, half_is_an_error, model, server, until, using
from tests.core.virtual import run_ahead
from tests.fakes import openai_server as scripted
from tests.fakes.openai_server import OpenAIServer, Reply

__all__ = ["model", "server"]


def hasty(**seconds):
    """One deadline is short, so that the others are no reason."""
    return PATIENT.model_copy(update={f"{name}_seconds": short for name, short in seconds.items()})


async def test_an_answer_that_stalls_is_an_error_and_is_not_begun_again(server, tmp_path):
    async with using(server, tmp_path, hasty(between_tokens=0.5)) as model:
        await half_is_an_error(server, model, scripted.stalling(TEXT, after=3))


async def test_a_wait_longer_than_the_deadline_is_not_begun(server, model):
    server.otherwise(scripted.rate_limited("600"))
    with pytest.raises(ModelError, match="slow down") as raised:
        await answer(model)
    assert raised.value.after == 600
    assert len(server.asked) == 1


async def test_a_server_that_hangs_is_given_up_and_its_connection_closed(server, tmp_path):
    server.otherwise(scripted.hanging())
    async with using(server, tmp_path, hasty(first_token=0.8)) as model:
        with pytest.raises(ModelError, match=r"nothing within 0\.8 s"):
            await answer(model)
    await until(lambda: server.open == 0)


async def test_comments_that_keep_a_connection_open_are_no_tokens(server, tmp_path):
    server.otherwise(Reply(hang_after=0, ping=0.1))
    async with using(server, tmp_path, hasty(first_token=0.8)) as model:
        with pytest.raises(ModelError, match="nothing within"):
            await answer(model)


async def test_an_answer_that_never_ends_is_stopped(server, tmp_path):
    server.otherwise(Reply("word " * 10_000, pace=0.02))
    async with using(server, tmp_path, hasty(whole_answer=2)) as model:
        with pytest.raises(ModelError, match="did not finish within 2 s"):
            await answer(model)
    await until(lambda: server.open == 0)


def test_a_caller_that_takes_its_time_is_not_the_models_fault(tmp_path):
    async def main() -> None:
        loop, limits = asyncio.get_running_loop(), PATIENT.model_copy(update={"whole_answer_seconds": 600})
        async with OpenAIServer() as server, using(server, tmp_path, limits) as model:
            server.otherwise("one two three")
            pieces = []
            async for piece in model.stream(ASK, spent=Spent()):
                pieces.append(piece)
                loop.ahead += limits.between_tokens_seconds * 1.5
                for _ in range(10):  # a timer that was not off would have its turn
                    await asyncio.sleep(0)
            assert "".join(pieces) == "one two three"

    run_ahead(main())


async def test_a_server_that_does_not_let_go_after_the_finish_has_still_answered(server, tmp_path):
    finish = 'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
    server.otherwise(Reply(TEXT, raw=finish, raw_after=8, hang_after=8))
    async with using(server, tmp_path) as model, asyncio.timeout(50):
        assert await answer(model) == TEXT
