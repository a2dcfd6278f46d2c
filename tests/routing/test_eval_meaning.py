"""`turnout eval intents` judges what the assistant reads: meaning too, by whatever embeds for the running Turnout."""

import asyncio
import json

import pytest
from click.testing import CliRunner

from core.evaluation.intents.commands import intents as command
from core.evaluation.intents.judged import Judged, nearest
from core.evaluation.intents.stated import Stated, kept
from tests.core.test_routing import INTENTS
from tests.routing.test_settings import embedding

FRENCH = "bring number 7 en français"
STRANGE = [{"text": f"bring number {n} over", "intent": "returns"} for n in range(20)]
"""Only their meaning tells that they are returns."""


@pytest.fixture
def evaluate(tmp_path, monkeypatch, servers, bus):
    """The command in a process's own way: it finds the servers by their addresses."""
    for name, value in {
        "TURNOUT_DATA": str(tmp_path / "data"),
        "TURNOUT_ASSISTANT": str(tmp_path / "assistant.toml"),
        "NATS_URL": servers.nats_url,
        "REDIS_URL": servers.redis_url,
    }.items():
        monkeypatch.setenv(name, value)

    async def run(rows, *arguments: str, how: str = "embeddings", about: str = "out_of_scope_below = 0"):
        tables = [f'[[intents]]\nname = "{name}"\nexamples = {json.dumps(texts)}\n' for name, texts in INTENTS.items()]
        head = f'[assistant]\nname = "x"\ndefault_route = ["rag"]\nintents = "{how}"\n{about}\n'
        (tmp_path / "assistant.toml").write_text(head + "\n".join(tables))
        (tmp_path / "messages.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
        path = str(tmp_path / "messages.jsonl")
        return await asyncio.to_thread(CliRunner().invoke, command, [path, *arguments])

    return run


def right(output: str) -> float:
    return float(output.partition("messages: ")[2].partition("right intent")[2].split()[0])


async def test_what_only_meaning_tells_is_counted_as_the_assistant_reads_it(evaluate, bus) -> None:
    async with embedding(bus, unread=(FRENCH,)):
        by_both = await evaluate([*STRANGE, {"text": FRENCH, "intent": "returns"}])
        by_words = await evaluate(STRANGE, "--words")
    assert by_both.exit_code == 0, by_both.output
    assert right(by_both.output) > 0.9 > right(by_words.output)
    assert "by words and meaning, 1 of 44 by words alone" in by_both.output
    assert "by words and meaning" not in by_words.output


async def test_with_auto_words_are_judged_where_retrieval_has_no_embeddings(evaluate, bus) -> None:
    async with embedding(bus, name=""):
        assert (await evaluate(STRANGE, how="auto")).exit_code == 0
        refused = await evaluate(STRANGE, how="embeddings")
    assert "knowledge.embeddings" in str(refused.exception)


async def test_where_nothing_embeds_it_says_what_to_start_and_the_way_without(evaluate) -> None:
    for how in ("embeddings", "auto"):
        said = str((await evaluate(STRANGE, how=how)).exception)
        assert "turnout up" in said
        assert "--words" in said


async def test_the_measured_risk_stands_beside_the_stated_one_and_is_drawn(evaluate, bus, tmp_path) -> None:
    rows = [{"text": f"bring number {n} over", "intent": "returns"} for n in range(100, 300)]
    (tmp_path / "known.jsonl").write_text("\n".join(map(json.dumps, rows)))
    about = 'out_of_scope_below = 0\nclarify_below = 0\nrisk = 0.05\ncalibration = "known.jsonl"'
    async with embedding(bus):
        kept_one = await evaluate([*STRANGE, *rows[:5]], about=about)
        broken = await evaluate([row | {"intent": "sizing"} for row in STRANGE], about=about)
    assert "n 20   by words and meaning, stated 0.050: kept" in kept_one.output, "the messages it was promised by do not count"
    assert "by words and meaning, stated 0.050: broken" in broken.output
    page = max((tmp_path / "data" / "evaluation" / "intents").glob("*.html")).read_text()
    assert "measured against stated" in page
    assert "axis beside" in page


def test_what_was_not_promised_is_neither_kept_nor_broken_and_few_wrong_ones_may_be_chance() -> None:
    seen = [Judged(f"{n}", "x", "x" if n else "y", "intent", 0.9, "p") for n in range(10)]
    for given, verdict in ((True, "more than stated, which chance can explain"), (False, "nothing was promised")):
        assert [one.verdict for one in kept([Stated(False, 0.05, given, "")], seen)] == [verdict]


def test_near_is_what_the_file_says_or_else_the_half_that_is_most_like_an_example() -> None:
    seen = [Judged(f"{n}", "", "x", "intent", 0.9, "p", likeness=n / 10) for n in range(4)]
    seen.append(Judged("in", "x", "x", "intent", 0.9, "p", likeness=0.99))
    assert [one.text for one in nearest(seen) if one.near] == ["2", "3"]
    assert [one.text for one in nearest(seen, {"0"}) if one.near] == ["0"]
