"""Models of an OpenAI-compatible server: every fault ends in an answer or a ModelError within the deadlines."""

import asyncio
from contextlib import aclosing, asynccontextmanager

import pytest

from core.assistant import Models
from core.dialog.models import openai_model
from core.dialog.models.contract import Message, Spent
from core.dialog.models.openai_model import OpenAIModel
from core.errors import ModelError
from core.records import Usage
from core.tokens import for_model
from tests.fakes import openai_server as scripted
from tests.fakes.openai_server import OpenAIServer, Reply

PATIENT = Models(first_token_seconds=60, between_tokens_seconds=60, whole_answer_seconds=120)
ASK = (Message(role="user", content="How long may I keep it?"),)
TEXT = "You may return a bike within thirty days."


@pytest.fixture
async def server():
    async with OpenAIServer() as server:
        yield server


@pytest.fixture
async def model(server, tmp_path):
    async with using(server, tmp_path) as model:
        yield model


@asynccontextmanager
async def using(server, tmp_path, limits=PATIENT):
    model = OpenAIModel("scripted", api_key="sk-test", base_url=server.base_url, limits=limits, tokens=for_model("x", tmp_path))
    try:
        yield model
    finally:
        await model.aclose()


async def answer(model, spent=None):
    return "".join([piece async for piece in model.stream(ASK, spent=spent or Spent())])


async def hear(model, pieces):
    async for piece in model.stream(ASK, spent=Spent()):
        pieces.append(piece)


@pytest.fixture
def twice(monkeypatch):
    """No more tries than two, for the pauses between them grow."""
    assert openai_model.TRIES > 2
    monkeypatch.setattr(openai_model, "TRIES", 2)


async def until(condition):
    async with asyncio.timeout(45):
        while not condition():
            await asyncio.sleep(0.01)


async def test_an_answer_comes_in_pieces_and_says_what_it_cost(server, model):
    server.otherwise(Reply(TEXT, pace=0.02))
    spent = Spent()
    pieces = [piece async for piece in model.stream(ASK, spent=spent)]
    assert ("".join(pieces), len(pieces) > 1) == (TEXT, True)
    assert spent == Spent(usage=Usage(prompt_tokens=6, completion_tokens=8), model="scripted")


async def test_the_server_gets_messages_model_key_and_options(server, model):
    await answer(model)
    body = server.asked[0].body
    assert body["messages"] == [{"role": "user", "content": "How long may I keep it?"}]
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("scripted", 0.2, 800)
    assert server.asked[0].headers["Authorization"] == "Bearer sk-test"


async def test_usage_is_estimated_where_the_server_reports_none(server, model):
    server.otherwise(Reply(TEXT, usage=False))
    spent = Spent()
    await answer(model, spent)
    assert spent.usage.estimated
    assert spent.usage.completion_tokens == 9
    assert spent.usage.prompt_tokens > 6


@pytest.mark.parametrize("option", ["stream_options", "temperature"])
async def test_an_option_the_server_does_not_know_is_left_out_from_then_on(server, model, option):
    server.when(lambda asked: option in asked.body, scripted.failing(400, f"Unrecognized request argument: {option}"))
    server.otherwise(TEXT)
    assert await answer(model) == TEXT
    assert await answer(model) == TEXT
    assert [option in asked.body for asked in server.asked] == [True, False, False]


async def test_the_token_limit_goes_by_the_name_the_server_knows(server, model):
    complaint = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    server.when(lambda asked: "max_tokens" in asked.body, scripted.failing(400, complaint, param="max_tokens"))
    server.otherwise(TEXT)
    assert await answer(model) == TEXT
    assert server.asked[-1].body["max_completion_tokens"] == 800


async def test_answers_asked_at_once_all_learn_what_the_server_does_not_know(server, model):
    server.when(lambda asked: "temperature" in asked.body, scripted.failing(400, "unknown field temperature"))
    server.otherwise(TEXT)
    assert await asyncio.gather(*(answer(model) for _ in range(8))) == [TEXT] * 8


@pytest.mark.parametrize(
    "fault",
    [
        scripted.rate_limited(),
        scripted.rate_limited("0.05"),
        scripted.rate_limited("Wed, 21 Oct 2015 07:28:00 GMT"),
        scripted.failing(500),
        scripted.failing(503),
        scripted.failing(408),
        scripted.cut(TEXT, after=0),
        Reply(""),
        Reply("", finish=None, done=False),
        scripted.bad_json(TEXT),
        scripted.error_in_stream(TEXT),
    ],
    ids=lambda fault: f"{fault.status}-{fault.retry_after}-{fault.cut_after}-{fault.raw[:12]!r}-{fault.finish}",
)
async def test_a_fault_before_the_first_token_is_tried_again(server, model, fault):
    server.next(fault)
    server.otherwise(TEXT)
    assert await answer(model) == TEXT
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "fault",
    [
        scripted.cut(TEXT, after=3),
        scripted.bad_json(TEXT, after=3),
        scripted.error_in_stream(TEXT, after=3),
        Reply(TEXT, finish=None, done=False),
        Reply(TEXT, finish="content_filter"),
    ],
    ids=["cut", "bad json", "error in stream", "ends without finish", "filtered"],
)
async def test_half_an_answer_is_an_error_and_is_not_begun_again(server, model, fault):
    await half_is_an_error(server, model, fault)


async def half_is_an_error(server, model, fault):
    server.next(fault)
    server.otherwise(TEXT)
    seen = []
    with pytest.raises(ModelError):
        await hear(model, seen)
    assert TEXT.startswith("".join(seen))
    assert seen
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "names"),
    [(400, "scripted"), (401, "OPENAI_API_KEY"), (403, "TURNOUT_MODEL"), (404, "TURNOUT_MODEL"), (429, "no quota left")],
)
async def test_a_refusal_is_final_and_names_the_setting(server, model, status, names):
    server.otherwise(scripted.failing(status, "refused sk-test", code="insufficient_quota"))
    with pytest.raises(ModelError, match=names) as raised:
        await answer(model)
    assert not raised.value.retry
    assert status == 400 or "sk-test" not in str(raised.value)
    assert len(server.asked) == 1


async def test_a_server_that_always_fails_ends_in_an_error_within_the_deadline(server, model, twice):
    server.otherwise(scripted.failing(500))
    with pytest.raises(ModelError, match="500"):
        await answer(model)
    assert len(server.asked) > 1


async def test_an_answer_of_more_than_a_megabyte_is_stopped(server, model):
    server.otherwise(Reply(" ".join(["word" * 5000] * 60)))
    with pytest.raises(ModelError, match="more than 1000000"):
        await answer(model)


async def test_nobody_there_is_an_error_that_names_the_address(tmp_path, twice):
    async with OpenAIServer() as gone:
        pass
    async with using(gone, tmp_path) as model:
        with pytest.raises(ModelError, match=f"127.0.0.1:{gone.port}.*OPENAI_BASE_URL"):
            await answer(model)


async def test_a_server_that_comes_up_late_is_reached_by_another_try(tmp_path):
    late = OpenAIServer()
    async with OpenAIServer() as early:
        late.port = early.port
    async with using(late, tmp_path, Models()) as model:
        asking = asyncio.create_task(answer(model))
        await asyncio.sleep(0)
        async with late:
            assert await asking == "You said: How long may I keep it?"


async def test_an_answer_that_filled_its_token_limit_is_whole_and_says_so(server, model):
    server.otherwise(Reply("You may return", finish="length"))
    spent = Spent()
    assert await answer(model, spent) == "You may return"
    assert spent.cut


async def test_a_token_limit_that_left_no_room_for_words_is_named(server, model):
    server.otherwise(Reply("", finish="length"))
    with pytest.raises(ModelError, match="max_tokens"):
        await answer(model)


@pytest.mark.parametrize("reply", [Reply(TEXT, finish=None), Reply(TEXT, done=False), Reply(TEXT, newline="\r\n")])
async def test_an_answer_is_whole_by_its_finish_or_its_end_mark_in_any_line_ending(server, model, reply):
    server.otherwise(reply)
    assert await answer(model) == TEXT


async def test_bytes_that_are_no_utf8_are_replaced_not_fatal(server, model):
    server.otherwise(scripted.bad_utf8(TEXT, after=8))
    assert await answer(model) == TEXT + "\ufffd\ufffd"


async def test_a_server_that_does_not_stream_is_read_whole(server, model):
    whole = {"model": "m", "choices": [{"message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}]}
    server.otherwise(Reply(whole=whole))
    assert await answer(model) == TEXT


async def test_thinking_aloud_is_a_sign_of_life_and_no_answer(server, model):
    thought = 'data: {"choices": [{"delta": {"reasoning_content": "hm"}}]}\n\n'
    server.otherwise(scripted.broken(TEXT, thought))
    assert await answer(model) == TEXT


async def test_closing_the_stream_closes_the_connection(server, model):
    server.otherwise(scripted.stalling("word " * 5, after=2))
    async with aclosing(model.stream(ASK, spent=Spent())) as pieces:
        await anext(pieces)
        assert server.open == 1
    await until(lambda: server.open == 0)


async def test_cancelling_the_task_closes_the_connection(server, model):
    server.otherwise(scripted.stalling("word " * 5, after=2))
    asking = asyncio.create_task(answer(model))
    await until(lambda: server.open == 1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await until(lambda: server.open == 0)


async def test_connections_are_used_again(server, model):
    for _ in range(3):
        await answer(model)
    assert len({asked.peer for asked in server.asked}) == 1
