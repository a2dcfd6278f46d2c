"""`turnout tune dataset`: what people said becomes rows that a fine-tuning service takes, and nothing else does."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from core import tokens
from core.cli import cli
from core.errors import ConfigError
from core.records import Citation, Part
from tests.tuning.log import commit, turn
from tuning import dataset, turns
from tuning.dataset import Choices, NothingToLearn
from tuning.rows import Message, problems
from tuning.turns import Conversation, Reading

CHOICES = Choices(system="You are kind.", model="m")


def words(text: str) -> int:
    return len(text.split())


def made(*conversations: list, **choices: object):
    """The data set of conversations, one lane each, counting words for tokens."""
    reading = Reading(turns=sum(map(len, conversations)))
    reading.conversations = [Conversation(one[0].lane, 0, one) for one in conversations]
    return dataset.make(reading, Choices(system="You are kind.", model="m", **choices), words)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def chat(lane: str, *pairs: tuple[str, str], **more: object) -> list:
    return [turn(lane, number, asked, answered, **more) for number, (asked, answered) in enumerate(pairs)]


@pytest.fixture
async def turnout(bus, servers, monkeypatch, tmp_path):
    """Runs `turnout tune dataset …` on the bus."""
    monkeypatch.setenv("NATS_URL", servers.nats_url)
    monkeypatch.setenv("REDIS_URL", servers.redis_url)
    monkeypatch.setenv("TURNOUT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TURNOUT_ASSISTANT", str(tmp_path / "assistant.toml"))
    (tmp_path / "assistant.toml").write_text('[assistant]\nname = "A"\ndefault_route = ["prompt"]\npersona = "You are kind."\n')

    async def run(*options):
        return await asyncio.to_thread(CliRunner().invoke, cli, ["tune", "dataset", *options])

    return run


async def test_the_log_becomes_rows_of_whole_conversations(bus, turnout, tmp_path: Path) -> None:
    for number in range(30):
        await commit(
            bus,
            *chat(
                f"lane{number}",
                (f"Question {number}?", f"Answer {number} to it."),
                (f"And {number * 7}?", f"That is {number * 7}."),
            ),
        )
    result = await turnout("--out", str(tmp_path / "set"))
    assert result.exit_code == 0, result.output
    train, validation = lines(tmp_path / "set/train.jsonl"), lines(tmp_path / "set/validation.jsonl")
    assert len(train) + len(validation) == 30
    assert 0 < len(validation) < 10
    assert [message["role"] for message in train[0]["messages"]] == ["system", "user", "assistant", "user", "assistant"]
    assert train[0]["messages"][0]["content"] == "You are kind."
    assert "30 conversations" in result.output
    assert "consent is not recorded yet" in result.output
    manifest = json.loads((tmp_path / "set/manifest.json").read_text())
    assert manifest["files"]["train.jsonl"]["rows"] == len(train)
    assert manifest["files"]["train.jsonl"]["tokens"] > 0
    assert manifest["log"] == {"first": 1, "last": 60, "turns": 60}
    provenance = lines(tmp_path / "set/provenance.jsonl")
    assert {line["lane"] for line in provenance} == {f"lane{number}" for number in range(30)}


async def test_the_same_log_gives_the_same_files(bus, turnout, tmp_path: Path) -> None:
    await commit(bus, *chat("a", ("one?", "1")), *chat("b", ("two?", "2")))
    for name in ("first", "second"):
        assert (await turnout("--out", str(tmp_path / name))).exit_code == 0
    for file in ("train.jsonl", "validation.jsonl", "provenance.jsonl"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


async def test_an_empty_log_says_so(turnout, tmp_path: Path) -> None:
    result = await turnout("--out", str(tmp_path / "set"))
    assert result.exit_code == 1
    assert "no turns yet" in result.output
    assert not (tmp_path / "set").exists()


async def test_a_folder_is_replaced_only_when_told_and_only_if_it_is_a_data_set(bus, turnout, tmp_path: Path) -> None:
    await commit(bus, *chat("a", ("one?", "1")))
    out = tmp_path / "set"
    assert (await turnout("--out", str(out))).exit_code == 0
    again = await turnout("--out", str(out))
    assert again.exit_code == 1
    assert "--force" in again.output
    await commit(bus, *chat("b", ("two?", "2")))
    assert (await turnout("--out", str(out), "--force")).exit_code == 0
    assert len(lines(out / "provenance.jsonl")) == 2
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letters.txt").write_text("dear")
    refused = await turnout("--out", str(tmp_path / "home"), "--force")
    assert refused.exit_code == 1
    assert (tmp_path / "home" / "letters.txt").read_text() == "dear"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


async def test_only_answered_turns_are_taken_and_the_rest_is_counted(bus) -> None:
    await commit(
        bus,
        turn("a", 0, "hi", "Hello!", track="template"),
        turn("a", 1, "what?", "Which one?", outcome="clarify"),
        turn("a", 2, "this", "Sorry.", outcome="dead"),
        turn("a", 3, "up", "", outcome="noted", parts=()),
        turn("a", 4, "  ", "Yes?"),
        turn("a", 5, "real?", "Really."),
    )
    await bus.publish("log.web.a", b"not a turn", id="broken")
    reading = await turns.read(bus)
    assert [one.id for conversation in reading.conversations for one in conversation.turns] == ["a-5"]
    assert reading.left_out == {"template": 1, "clarify": 1, "dead": 1, "noted": 1, "empty": 1, "unreadable": 1}


async def test_a_day_of_silence_begins_another_conversation(bus) -> None:
    await commit(bus, turn("a", 0, "one?", "1"), turn("a", 1, "two?", "2"), turn("a", 5000, "three?", "3"))
    reading = await turns.read(bus)
    assert [len(conversation.turns) for conversation in reading.conversations] == [2, 1]
    assert [len(c.turns) for c in (await turns.read(bus, since=1_790_000_000 + 60 * 100)).conversations] == [1]


def test_no_lane_stands_on_both_sides_of_the_split() -> None:
    talks = [
        [turn(f"lane{n % 40}", n, f"Question number {n} about thing {n * n}?", f"Answer {n} {n * 31}.")] for n in range(400)
    ]
    rows = made(*talks).rows
    sides = [{row.lane for row in rows[name]} for name in dataset.FILES]
    assert not sides[0] & sides[1]
    assert sides[0]
    assert sides[1]


def test_what_is_there_twice_is_there_once() -> None:
    long = "The return period is thirty days from the day on which the parcel was delivered to your door, and it is free of charge."
    rows = made(
        chat("a", ("How long?", long)),
        chat("b", ("how  LONG", long.upper())),
        chat("c", ("How long?", long.replace("free of charge", "free of any charge"))),
        chat("d", ("How short?", "Not at all.")),
    )
    assert rows.duplicates == {"exact": 1, "near": 1}
    assert len(rows.rows["train"]) + len(rows.rows["validation"]) == 2


def test_near_duplicates_are_found_among_thousands() -> None:
    talks = [
        chat(f"l{n}", (f"What about {n}?", " ".join(f"word{(n * 7919 + k * 104729) % 50021}" for k in range(60))))
        for n in range(2000)
    ]
    again = [chat(f"again{n}", (f"What about {n}?", talks[n][0].text + " indeed")) for n in range(0, 2000, 20)]
    assert made(*talks, *again).duplicates == {"near": 100}


def test_personal_data_is_scrubbed_unless_told_otherwise() -> None:
    talk = chat("a", ("I am ann@shop.example", "Your card 4242 4242 4242 4242 is noted."))
    (row,) = (row for _, _, row in made(talk).all())
    assert [message.content for message in row.messages[1:]] == ["I am [EMAIL]", "Your card [CARD] is noted."]
    (kept,) = (row for _, _, row in made(talk, keep_personal_data=True).all())
    assert kept.messages[1].content == "I am ann@shop.example"


def test_marks_of_passages_that_the_row_does_not_hold_are_taken_out() -> None:
    cited = chat("a", ("How long?", "30 days [1], see a[0] [7]."), citations=(Citation(n=1, source="r", title="R"),))
    (row,) = (row for _, _, row in made(cited).all())
    assert row.messages[-1].content == "30 days, see a[0] [7]."


def test_a_long_conversation_becomes_several_rows_and_an_endless_answer_none() -> None:
    talk = chat("a", *[(f"question {n}", f"answer {n} " + "word " * 20) for n in range(10)], ("and?", "word " * 500))
    result = made(talk, max_tokens=100)
    rows = [row for _, _, row in result.all()]
    assert all(row.tokens <= 100 for row in rows)
    assert sum(len(row.turns) for row in rows) == 10
    assert result.refused == {"too long": 1}


def test_short_conversations_can_be_left_out() -> None:
    with pytest.raises(NothingToLearn, match="fewer than 2 turns"):
        made(chat("a", ("one?", "1")), min_turns=2)


@pytest.mark.parametrize(
    ("roles", "problem"),
    [
        (["system", "user", "assistant"], ""),
        (["user", "assistant"], ""),
        (["system", "user"], "the last message is not the assistant's"),
        (["user", "system", "assistant"], "a system message that is not the first"),
        (["system", "assistant"], "no user message"),
        (["robot", "user", "assistant"], "unknown role 'robot'"),
        ([], "no user message"),
    ],
)
def test_every_row_is_held_against_the_format(roles: list[str], problem: str) -> None:
    found = problems([Message(role=role, content="x") for role in roles], 10, 100)
    assert (found or [""])[0] == problem


def test_an_empty_message_and_too_many_tokens_are_problems() -> None:
    assert problems([Message(role="user", content=" "), Message(role="assistant", content="x")], 101, 100) == [
        "an empty message",
        "too long",
    ]


def test_a_few_conversations_are_warned_about() -> None:
    few = made(chat("a", ("one?", "1"), model="extractive"))
    told = dataset.summary(few, CHOICES, Path("set"))
    assert "1 conversations are few" in told
    assert "fewer than 10 rows" in told
    assert "extractive" in told
    plenty = made(*[chat(f"l{n}", (f"What is {n} times {n + 1}?", f"It is {n * (n + 1)}.")) for n in range(60)])
    assert dataset.warnings(plenty) == [dataset.CONSENT]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        dataset.write(made(chat("a", ("one?", "1"), parts=(Part(text="1"),))), CHOICES, tmp_path / "file" / "set", force=False)


def test_tokens_are_those_of_the_model(tmp_path: Path) -> None:
    count = tokens.for_model("gpt-4.1-mini", tmp_path).count
    reading = Reading(turns=1)
    reading.conversations = [Conversation("a", 0, chat("a", ("How long?", "Thirty days.")))]
    ((_, _, row),) = dataset.make(reading, CHOICES, count).all()
    assert row.tokens == sum(count(message.content) + 3 for message in row.messages) + 3
