"""Who may read what, in a whole system with a fake Slack: rooms, revocations, the document page."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from core.evaluation.tracks.keeping import newest
from tests.e2e.system import System
from tests.fakes.slack_server import APP_TOKEN, TOKEN, FakeSlack

QUESTION = "How high is the salary budget?"
SECRET = "The salary budget is 417,000 euros."
MORE = "write to me directly"
WITHIN = 5.0  # seconds in which a revocation has to count
FILE = """
[assistant]
name = "House"
default_route = ["rag"]
nothing_found = "Nothing found."
out_of_scope_below = 0
[[audiences]]
name = "board"
people = {people}
[[knowledge.sources]]
name = "open"
at = "open"
[[knowledge.sources]]
name = "minutes"
at = "minutes"
audience = ["board"]
"""


class House:
    """A company: its Slack, its documents, its assistant file."""

    def __init__(self, system: System, slack: FakeSlack, folder: Path) -> None:
        self.system, self.slack, self.folder = system, slack, folder

    def rule(self, *people: str) -> None:
        (self.folder / "assistant.toml").write_text(FILE.format(people=[f"slack:{user}" for user in people]))

    async def ask(self, channel: str, user: str, *, thread: str = "", text: str = QUESTION) -> tuple[str, str]:
        """(the answer, its thread): in a direct message, or in a channel by mention."""
        before = len(self.slack.shown(channel))
        ts = self.slack.say(channel, user, text if channel[0] == "D" else f"<@U0BOT> {text}", thread)
        async with asyncio.timeout(120):
            while len(found := self.slack.shown(channel)) == before or found[-1].growing:
                await asyncio.sleep(0.05)
        return found[-1].shown, thread or ts


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("house")
    for place, text in (
        ("open/bikes.md", "# Bikes\n\nBikes are parked in the yard."),
        ("minutes/may.md", f"# Budget\n\n{SECRET}"),
    ):
        (folder / place).parent.mkdir()
        (folder / place).write_text(text)
    async with FakeSlack(patience=60) as slack:
        slack.world.members = {"C1": ["U0BOT", "U1", "U2"], "C2": ["U0BOT", "U1", "U9"], "C3": ["U0BOT", "U1"]}
        variables = {"SLACK_BOT_TOKEN": TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_BASE": slack.api}
        system = System(folder, {"TURNOUT_ASSISTANT": str(folder / "assistant.toml"), **variables})
        house = House(system, slack, folder)
        house.rule("U1", "U2")
        async with system.up():
            yield house


async def test_a_member_reads_it_in_private_a_stranger_does_not(house: House) -> None:
    assert SECRET in (await house.ask("D1", "U1"))[0]
    told, _ = await house.ask("D9", "U9")
    assert told == "Nothing found."


async def test_a_channel_of_members_reads_it_one_with_a_stranger_is_told_where_to_ask(house: House) -> None:
    assert SECRET in (await house.ask("C1", "U1"))[0]
    told, _ = await house.ask("C2", "U1")
    assert MORE in told
    assert not any(word in told for word in ("417", "salary", "Budget", "may.md"))
    assert (await house.ask("C2", "U9"))[0] == "Nothing found."


async def test_a_stranger_who_joins_ends_it_for_the_next_question(house: House) -> None:
    told, thread = await house.ask("C3", "U1")
    assert SECRET in told
    house.slack.world.members["C3"].append("U9")
    await asyncio.sleep(WITHIN)  # the promise itself: from here on no answer may hold it
    told, _ = await house.ask("C3", "U1", thread=thread)
    assert "417" not in told


async def test_an_edit_of_the_file_ends_it_for_the_next_question(house: House) -> None:
    assert SECRET in (await house.ask("D2", "U2"))[0]
    house.rule("U1")
    await asyncio.sleep(WITHIN)
    assert (await house.ask("D2", "U2"))[0] == "Nothing found."
    assert SECRET in (await house.ask("D1", "U1"))[0]
    house.rule("U1", "U2")


async def test_the_web_shows_visitors_what_is_for_everyone_and_hides_that_there_is_more(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.system.url, timeout=60) as client:
        open_ = await client.get("/sources/open/bikes.md")
        hidden, unknown = await client.get("/sources/minutes/may.md"), await client.get("/sources/minutes/june.md")
    assert "parked in the yard" in open_.text
    assert hidden.status_code == unknown.status_code == 404
    assert hidden.text.replace("may.md", "june.md") == unknown.text
    async with house.system.visitor() as visitor:
        assert (await visitor.ask(QUESTION))["text"] == "Nothing found."


async def test_tracks_are_measured_as_whom_the_owner_says(house: House) -> None:
    lines = [{"id": "inside", "question": QUESTION, "claims": ["417,000 euros"], "sources": ["may.md"]}]
    questions = house.folder / "questions.jsonl"
    questions.write_text("\n".join(map(json.dumps, lines)))
    for options, claims in ((["--as", "board"], 1.0), ([], 0.0)):
        await house.system.command("eval", "tracks", str(questions), "--track", "rag", "--new", *options)
        run = next(newest(house.system.folder / "data")).whole
        assert run is not None
        assert [one.grades.claims for one in run.answered] == [claims]
        assert SECRET not in run.answered[0].text or claims
    told = await house.system.command("eval", "tracks", str(questions), "--as", "bored", status=1)
    assert "no audience is called 'bored': did you mean 'board'?" in told
