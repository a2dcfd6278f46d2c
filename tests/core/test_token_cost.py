"""What a streamed token costs us, beside the SDK's own objects, in one run: `python -m pytest tests/core/test_token_cost.py -s`
prints the processor's time. What is asserted are calls of Python functions, of which no machine makes more when it is busy."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

import openai

from core.assistant import Models
from core.dialog.models.contract import Message, Spent
from core.dialog.models.openai_model import OpenAIModel
from core.tokens import for_model
from tests.e2e.system import ROOT

WORDS = 200
QUESTION = " ".join(f"word{n}" for n in range(WORDS))
STREAMS, AT_ONCE = 20, 10


async def per_token(stream: Callable[[], Awaitable[int]]) -> float:
    """Microseconds of this process's CPU a token, ten streams at once."""
    await stream()
    started, tokens = time.process_time(), 0
    for _ in range(STREAMS // AT_ONCE):
        tokens += sum(await asyncio.gather(*(stream() for _ in range(AT_ONCE))))
    return (time.process_time() - started) / tokens * 1e6


async def calls(stream: Callable[[], Awaitable[int]]) -> float:
    """Calls of Python functions in this thread for a token."""
    count = 0

    def profile(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(profile)
    try:
        tokens = await stream()
    finally:
        sys.setprofile(None)
    return count / tokens


async def test_a_streamed_token_costs_clearly_less_than_the_sdks_objects(tmp_path) -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.openai_server", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout
    url = (await server.stdout.readline()).decode().strip()
    model = OpenAIModel("scripted", api_key="sk", base_url=url, limits=Models(), tokens=for_model("x", tmp_path))
    client = openai.AsyncOpenAI(api_key="sk", base_url=url, max_retries=0)

    async def ours() -> int:
        pieces = [piece async for piece in model.stream((Message(role="user", content=QUESTION),), spent=Spent())]
        return len("".join(pieces).split())  # a piece may hold several tokens that came together

    async def the_sdks() -> int:
        messages = [{"role": "user", "content": QUESTION}]
        chunks = await client.chat.completions.create(model="scripted", messages=messages, stream=True)
        return len([chunk async for chunk in chunks if chunk.choices and chunk.choices[0].delta.content])

    try:
        rounds = [(await per_token(ours), await per_token(the_sdks)) for _ in range(2)]
        called = await calls(ours), await calls(the_sdks)
    finally:
        await model.aclose()
        await client.close()
        server.terminate()
        await server.wait()
    print(*(f"{own:.0f} µs a token, the SDK {sdk:.0f}" for own, sdk in rounds), sep="\n")
    print(f"{called[0]:.0f} calls a token, the SDK {called[1]:.0f}")
    assert called[0] < 0.25 * called[1]
