"""`turnout eval retrieval` asks the running service, keeps what it found, and fails when the search has become worse."""

import asyncio
import json
import time
from functools import partial
from itertools import cycle

import pytest
from click.testing import CliRunner

from core import keys
from core.cli import cli
from core.records import Citation, Event, Part, Turn, encode
from tests.fakes.openai_server import OpenAIServer
from tests.retrieval.rig import ASSISTANT, until

PAGES = {name: f"The {name} garden opens at {name} hours and has {name} trees." for name in ("moon", "sun", "star", "rain")}
MORE = [f"word{number}" for number in range(16)]


@pytest.fixture
def shop(rig):
    for name in [*PAGES, *MORE]:
        rig.write(f"knowledge/{name}.md", f"# {name}\n\nThe {name} garden opens at {name} hours and has {name} trees.\n")
    lines = [{"question": f"When does the {name} garden open?", "sources": [f"{name}.md"]} for name in [*PAGES, *MORE]]
    lines += [{"question": "Zebra quantum?", "answerable": False, "slice": "else"}]
    rig.write("questions.jsonl", "\n".join(map(json.dumps, lines)))
    return rig


async def evaluate(rig, *arguments, **environment):
    environment |= {
        "NATS_URL": rig.settings.nats_url,
        "REDIS_URL": "redis://unused",
        "TURNOUT_DATA": str(rig.settings.data),
        "TURNOUT_ASSISTANT": str(rig.settings.assistant),
    }
    command = partial(CliRunner().invoke, cli, ["eval", "retrieval", *map(str, arguments)], env=environment)
    return await asyncio.to_thread(command)


def kept(rig, ending):
    return sorted((rig.settings.data / "evaluation" / "retrieval").glob(f"*.{ending}"))


async def test_it_tells_how_good_the_search_is_and_keeps_a_page(shop):
    async with shop.serving():
        result = await evaluate(shop)
    assert result.exit_code == 0, result.output
    figures = {line.split()[0]: line.split()[1] for line in result.output.splitlines() if line and line[0] in "rnMdap"}
    assert (figures["recall@6"], figures["nDCG@10"], figures["declined"]) == ("1.000", "1.000", "1.000")
    assert len(kept(shop, "json")) == len(kept(shop, "html")) == 1


async def test_it_fails_when_the_search_has_become_worse(shop):
    async with shop.serving():
        assert (await evaluate(shop, "--no-noise")).exit_code == 0
        assert (await evaluate(shop, "--no-noise")).exit_code == 0
        for name in MORE:
            (shop.knowledge / f"{name}.md").unlink()
        await until(lambda: holds(shop, len(PAGES) + 1))
        result = await evaluate(shop, "--no-noise")
    assert result.exit_code == 1, result.output
    assert "worse than the last run: recall@6 (all) -0.800" in result.output
    assert len(kept(shop, "json")) == 3


async def test_it_fails_when_a_search_has_become_slower_twice_and_not_when_the_whole_machine_has(shop, monkeypatch):
    """Times are given: search and idle request in turns."""
    times = [6.0, 2.0]
    turn = cycle((0, 1))

    async def took(answer):
        await answer
        return times[next(turn)]

    monkeypatch.setattr("retrieval.evaluation.pace._took", took)
    async with shop.serving():
        assert "times an idle request          3.0" in (await evaluate(shop, "--no-noise")).output
        times[:] = [60.0, 20.0]
        assert (await evaluate(shop, "--no-noise")).exit_code == 0
        times[:] = [8.0, 2.0]
        result = await evaluate(shop, "--no-noise")
    assert result.exit_code == 1
    assert "a search takes 4.0 times an idle request, not 3.0" in result.output


async def holds(rig, documents):
    return (await rig.status()).documents == documents


async def test_a_file_with_a_mistake_is_refused_before_anything_is_asked(shop):
    path = shop.write("bad.csv", "question,sources\nWhen?,\n")
    result = await evaluate(shop, path)
    assert result.exit_code == 1
    assert f"{path}:2: nothing says what answers it" in result.output


async def test_without_a_service_it_says_how_to_start_one(shop):
    result = await evaluate(shop)
    assert result.exit_code == 1
    assert "start it with `turnout up`" in result.output


async def test_what_people_liked_is_asked_again_without_their_data(shop):
    async def turn(number, asked, thumb, **more):
        event = Event(id=f"v{number}", channel="web", lane="lane", kind="feedback", text=thumb, target=f"t{number}")
        given = {"citations": (Citation(n=1, source="knowledge/moon.md", title="Moon"),), **more}
        said = Turn(
            id=f"t{number}",
            channel="web",
            lane="lane",
            events=(f"t{number}",),
            upto=number,
            asked=asked,
            at=time.time(),
            **given,
        )
        await shop.bus.publish(keys.log("web", "lane"), encode(said), id=said.id)
        await shop.bus.publish(keys.into("web", "lane"), encode(event), id=event.id)

    part = (Part(text="At seven."),)
    await turn(1, "When does the moon garden open? I am anna@example.com", "up", parts=part)
    await turn(2, "And does it close?", "down", parts=part)
    await turn(3, "Is it free?", "up", parts=part)
    await turn(4, "Hello", "up", parts=part, citations=())
    async with shop.serving():
        result = await evaluate(shop, "--from-log")
    assert result.exit_code == 0, result.output
    run = json.loads(kept(shop, "json")[0].read_text())
    questions = [one["question"] for one in run["asked"]]
    assert [one["question"] for one in questions] == ["When does the moon garden open? I am [EMAIL]", "Is it free?"]
    assert [one.get("before") for one in questions] == [None, ["And does it close?"]]
    assert {one["kind"] for one in questions} == {"log"}


async def test_a_model_writes_questions_that_are_flagged_and_kept(shop):
    shop.write("knowledge/long.md", "The library lends bicycles for two weeks and asks for a deposit of forty euros. " * 3)

    def written(asked):
        quote = "a deposit of forty euros" if len(server.asked) == 1 else "what never stood there"
        return json.dumps({"question": "What must I leave when I borrow one?", "quote": quote})

    async with OpenAIServer() as server, shop.serving():
        server.otherwise(written)
        given = {"OPENAI_BASE_URL": server.base_url, "TURNOUT_MODEL": "writer"}
        result = await evaluate(shop, "--generate", "1", **given)
    assert result.exit_code == 0, result.output
    (line,) = (shop.settings.data / "evaluation" / "retrieval" / "generated.jsonl").read_text().splitlines()
    question = json.loads(line)
    assert (question["kind"], question["sources"]) == ("generated", ["knowledge/long.md"])


async def test_a_quote_that_stands_nowhere_makes_no_question(shop):
    shop.write("knowledge/long.md", "The library lends bicycles for two weeks and asks for a deposit of forty euros. " * 3)
    async with OpenAIServer() as server, shop.serving():
        server.otherwise(json.dumps({"question": "What must I leave?", "quote": "fifty pounds"}))
        given = {"OPENAI_BASE_URL": server.base_url, "TURNOUT_MODEL": "writer"}
        result = await evaluate(shop, "--generate", "1", **given)
    assert result.exit_code == 1
    assert "the model quotes nothing that stands there" in result.output


async def test_writing_questions_needs_a_model(shop):
    async with shop.serving():
        result = await evaluate(shop, "--generate", "2")
    assert "--generate needs a model" in result.output


async def test_another_length_of_passages_is_taken_up_while_the_service_runs(shop):
    shop.write("knowledge/long.md", "The library lends bicycles for two weeks. " * 20)
    async with shop.serving():
        before = (await shop.status()).passages
        shop.write("assistant.toml", f"{ASSISTANT}passage_words = 40\n")
        await until(lambda: more_than(shop, before))


async def more_than(rig, passages):
    return (await rig.status()).passages > passages
