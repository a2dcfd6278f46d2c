"""An assistant of one's own: the smallest file there can be, a model server, and edits while it runs."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.system import System, Visitor
from tests.fakes.openai_server import OpenAIServer, failing

SMALLEST = '[assistant]\nname = "Mini"\ndefault_route = ["prompt"]\n'
GREETS = '[[intents]]\nname = "greeting"\nexamples = ["hello", "good morning"]\nroute = ["template"]\ntemplate = "Ahoy!"\n'


@pytest.fixture(scope="module")
async def model() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as server:
        server.otherwise(lambda asked: f"You said: {asked.question}")
        yield server


@pytest.fixture(scope="module")
async def mini(model: OpenAIServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    folder = tmp_path_factory.mktemp("mini")
    (folder / "assistant.toml").write_text(SMALLEST)
    system = System(folder, {"TURNOUT_ASSISTANT": str(folder / "assistant.toml"), "OPENAI_BASE_URL": model.base_url})
    async with system.up():
        yield system


def refusals(system: System) -> int:
    """How often the core has said that it keeps the last good file."""
    return sum("the last good one stays" in line and '"core"' in line for line in system.log.splitlines())


async def until_answered(visitor: Visitor, question: str, answer: str) -> None:
    async with asyncio.timeout(60):
        while (await visitor.ask(question))["text"] != answer:
            await asyncio.sleep(0.3)


async def test_the_smallest_file_sends_every_turn_to_the_model_and_what_was_said_before_with_it(
    mini: System, model: OpenAIServer
) -> None:
    async with mini.visitor() as visitor:
        await visitor.ask("My name is Ada")
        reply = await visitor.ask("What is my name?")
    assert (reply["text"], reply["track"], reply["citations"]) == ("You said: What is my name?", "prompt", [])
    assert reply["usage"]["completion_tokens"] > 0
    assert "My name is Ada" in str(model.asked[-1].messages)


async def test_a_model_that_fails_leaves_an_honest_answer_that_says_why(mini: System, model: OpenAIServer) -> None:
    model.next(failing(400, "the server is not in the mood"))
    async with mini.visitor() as visitor:
        reply = await visitor.ask("Are you there?")
    assert reply["track"] == "none"
    assert "prompt could not serve" in reply["why"]


async def test_an_edit_is_followed_without_a_restart_and_a_broken_one_keeps_the_last_good(mini: System) -> None:
    file: Path = mini.folder / "assistant.toml"
    core = mini.pids("core")
    async with mini.visitor() as visitor:
        file.write_text(
            SMALLEST + GREETS + GREETS.replace("greeting", "farewell").replace("hello", "bye").replace("Ahoy", "Bye")
        )
        await until_answered(visitor, "hello", "Ahoy!")
        for broken in (
            "[assistant",
            SMALLEST.replace("prompt", "no_such_track"),
            SMALLEST + '[tracks]\nown = "no.such:thing"\n',
        ):
            told = refusals(mini)
            file.write_text(broken)
            async with asyncio.timeout(60):
                while refusals(mini) == told:
                    await asyncio.sleep(0.1)
            assert (await visitor.ask("hello"))["text"] == "Ahoy!"
        file.write_text(
            SMALLEST + GREETS.replace("Ahoy", "Moin") + GREETS.replace("greeting", "farewell").replace("hello", "bye")
        )
        await until_answered(visitor, "hello", "Moin!")
    assert mini.pids("core") == core
