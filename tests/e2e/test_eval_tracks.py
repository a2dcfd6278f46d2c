"""`turnout eval tracks` as an owner meets it, and killed in the middle."""

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from core.evaluation.tracks.keeping import newest
from core.policy.routes import Routes
from core.records import decode
from tests.e2e.system import ROOT, TURNOUT, System, until
from tests.fakes.openai_server import Asked, OpenAIServer, Reply

FILE = """
[assistant]
name = "Shop"
default_route = ["prompt"]
[models]
prompt = "small"
[knowledge]
paths = ["knowledge"]
dense = "off"
[[intents]]
name = "returns"
examples = ["how long may I keep bike 7", "keep a bike", "send a bike back"]
"""
ANSWERS = 24


def reading(asked: Asked) -> Reply:
    """Who sees the page knows; slow enough that a kill finds it at work."""
    return Reply("You may keep it 30 days [1]." if "30 days" in asked.question else "Perhaps a week.", delay=0.05)


@pytest.fixture
async def shop(tmp_path: Path):
    (tmp_path / "knowledge").mkdir()
    (tmp_path / "knowledge" / "returns.md").write_text("# Returns\n\nEvery bike may be kept 30 days, then it is sent back.\n")
    (tmp_path / "assistant.toml").write_text(FILE)
    lines = [
        json.dumps({"question": f"How long may I keep bike {n}?", "claims": ["30 days"], "intent": "returns"})
        for n in range(12)
    ]
    (tmp_path / "questions.jsonl").write_text("\n".join(lines))
    async with OpenAIServer() as server:
        server.otherwise(reading)
        variables = {
            "TURNOUT_ASSISTANT": str(tmp_path / "assistant.toml"),
            "OPENAI_BASE_URL": server.base_url,
            "OPENAI_API_KEY": "k",
        }
        async with System(tmp_path / "system", variables).up() as system:
            yield system, server


async def test_killed_in_the_middle_it_goes_on_and_pays_nothing_twice(shop) -> None:
    system, server = shop
    process = await asyncio.create_subprocess_exec(
        TURNOUT, "eval", "tracks", env=system.environment, cwd=ROOT, stdout=sys.stderr, stderr=sys.stderr
    )
    await until(lambda: len(server.asked) >= 7)
    process.kill()
    await process.wait()
    assert len(server.asked) < ANSWERS
    told = await system.command("eval", "tracks")
    assert "carrying on with" in told
    assert len(server.asked) == ANSWERS
    kept = next(newest(system.folder / "data"))
    run = kept.whole
    assert run is not None
    assert len(run.answered) == ANSWERS
    assert {one.grades.quality for one in run.answered if one.track == "rag"} == {1.0}
    assert "cannot tell: " in told
    assert "left out: tuned, no tuned model is configured" in told
    routes = decode(Routes, (kept.folder / "routes.json").read_bytes())
    assert [route.intent for route in routes.routes] == ["returns"]
    assert [check for check in run.checks if not check.ok] == []


JUDGED, OPINIONS = 4, 4 * 2 * (3 + 2)
"""Of four questions with three facts `prompt` misses all and `rag` two; each is asked about in both orders."""


def judging(asked: Asked) -> Reply:
    return Reply("no", delay=0.05)


async def test_killed_while_a_judge_is_at_work_it_goes_on_and_no_opinion_that_came_is_asked_for_again(shop) -> None:
    system, server = shop
    file = Path(system.environment["TURNOUT_ASSISTANT"])
    file.write_text(FILE + '[measure]\njudge = "referee-1"\n')
    facts = {"claims": ["30 days", "a green bell", "no rust"], "intent": "returns"}
    rows = [json.dumps({"question": f"How long may I keep bike {n}?", **facts}) for n in range(JUDGED)]
    (file.parent / "questions.jsonl").write_text("\n".join(rows))
    server.when(lambda asked: asked.body["model"] == "referee-1", judging)

    def asks() -> list[str]:
        return [asked.text for asked in server.asked if asked.body["model"] == "referee-1"]

    for opinions in (5, 11):
        process = await asyncio.create_subprocess_exec(
            TURNOUT, "eval", "tracks", "--parallel", "1", env=system.environment, cwd=ROOT, stdout=sys.stderr, stderr=sys.stderr
        )
        await until(lambda least=opinions: len(asks()) >= least)
        process.kill()
        await process.wait()
    assert len(asks()) < OPINIONS
    kept = next(newest(system.folder / "data"))
    came = [opinion for one in kept.answers() for opinion in one.opinions]
    assert len(came) >= len(asks()) - 2, "but for the one in flight at each kill, all are kept"
    await system.command("eval", "tracks")
    again = Counter(asks())
    assert len(again) == OPINIONS
    assert sum(again.values()) - len(again) <= 2
    run = kept.whole
    assert run is not None
    assert len([opinion for one in run.answered for opinion in one.opinions]) == OPINIONS
    assert {one.grades.judged for one in run.answered if one.track == "prompt"} == {0.0}
