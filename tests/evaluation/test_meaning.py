"""Facts in other words are found by their vectors, but never against numbers or a "not", and count only if people agree."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from core.bus_memory import MemoryBus
from core.evaluation.judging import commands
from core.evaluation.judging.calibration import LEAST, Label
from core.evaluation.judging.commands import judge
from core.evaluation.judging.meaning import NAME, NEVER, Meaning, threshold
from core.evaluation.tracks.records import Case, Judge
from core.knowledge import Embedded, EmbedRequest
from core.records import decode, encode
from tests.evaluation.town import FILE, town

CONCEPTS = (("sheltered", "roof", "indoors"), ("rain", "wet", "weather"), ("keep", "stand", "store", "leave"), ("bell", "horn"))
FACT = "Keep it sheltered from rain"
OTHER_WORDS = "It should stand under a roof, out of wet weather"
UNTRUE = "It should have a bell"


def vector(text: str) -> list[float]:
    """Of what it is about: a direction for each concept, and one that all words share a little."""
    return [*(float(any(word in text.lower() for word in words)) for words in CONCEPTS), 0.2]


class Vectors:
    """What retrieval embeds by; German it does not read."""

    def __init__(self, name: str = "concepts") -> None:
        self.name, self.asked = name, 0

    async def __call__(self, data: bytes) -> bytes:
        texts = decode(EmbedRequest, data).texts
        self.asked += len(texts)
        rows = np.array([vector(text) for text in texts], "<f4")
        unread = tuple(n for n, text in enumerate(texts) if "regen" in text.lower())
        return encode(Embedded(name=self.name, width=rows.shape[1] if len(texts) else 0, data=rows.tobytes(), unread=unread))


def labels(count: int = LEAST, said=OTHER_WORDS, untrue=UNTRUE) -> list[Label]:
    return [
        Label(question=f"Where do I keep bike {n}?", claim=(FACT,), answer=said if n % 2 else untrue, stated=bool(n % 2))
        for n in range(count)
    ]


@pytest.fixture
async def meaning():
    bus = MemoryBus()
    async with bus.serve("retrieval", {"retrieval.embed": Vectors()}):
        yield Meaning(bus)


async def test_vectors_that_see_what_people_see_may_decide(meaning: Meaning) -> None:
    found = await meaning.measured(labels())
    assert (found.kappa, found.labels, found.decides, found.embedder) == (1.0, LEAST, True, "concepts")
    low, high = (value for (value, *_), _ in [await meaning.likeness([((FACT,), said)]) for said in (UNTRUE, OTHER_WORDS)])
    assert low < found.threshold < high


async def test_vectors_that_see_no_difference_may_report_only(meaning: Meaning) -> None:
    found = await meaning.measured(labels(said=OTHER_WORDS, untrue=OTHER_WORDS + " at all"))
    assert not found.decides
    assert "κ" in found.why


async def test_what_words_tell_already_proves_nothing_for_vectors(meaning: Meaning) -> None:
    by_words = [replace(label, answer=FACT + ".") if label.stated else label for label in labels()]
    found = await meaning.measured(by_words)
    assert (found.labels, found.decides) == (LEAST // 2, False)
    assert "100 labels, at least 200 are needed" in found.why


@pytest.mark.parametrize(
    ("claim", "answer"),
    [
        ("Keep it sheltered for 30 days", "Store it under a roof for 14 days"),
        ("Do not keep it in the rain", "Store it in wet weather"),
        ("Keep it sheltered from rain", "Never store it under a roof"),
    ],
)
async def test_neither_other_numbers_nor_a_not_are_other_words(meaning: Meaning, claim: str, answer: str) -> None:
    (like,), _ = await meaning.likeness([((claim,), answer)])
    assert like == -1


async def test_of_a_language_that_is_not_read_nothing_is_said(meaning: Meaning) -> None:
    (like,), _ = await meaning.likeness([((FACT,), "Stell es vor Regen geschützt ab")])
    assert like == -1


def test_where_no_likeness_agrees_with_people_there_is_no_threshold() -> None:
    assert threshold([True, False, True, False], [0.5, 0.5, 0.5, 0.5]) == NEVER
    assert threshold([True, False], [0.2, 0.9]) == NEVER
    assert threshold([True, False], [0.9, 0.2]) == pytest.approx(0.55)


async def test_the_command_measures_them_and_keeps_what_they_are_worth(tmp_path: Path, servers, bus) -> None:
    (tmp_path / "assistant.toml").write_text(FILE)
    rows = [{"question": one.question, "claim": FACT, "answer": one.answer, "stated": one.stated} for one in labels()]
    (tmp_path / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)))
    variables = {
        "TURNOUT_ASSISTANT": str(tmp_path / "assistant.toml"),
        "TURNOUT_DATA": str(tmp_path / "data"),
        "NATS_URL": servers.nats_url,
        "REDIS_URL": servers.redis_url,
    }
    arguments = [str(tmp_path / "labels.jsonl"), "--model", NAME]
    async with bus.serve("retrieval", {"retrieval.embed": Vectors()}):
        done = await asyncio.to_thread(CliRunner().invoke, judge, arguments, env=variables)
    assert done.exit_code == 0, done.output
    assert "embeddings may decide" in done.output
    assert commands.kept(tmp_path / "data", NAME).embedder == "concepts"


CASE = Case(id="k1", question="Where do I keep it?", claims=((FACT,), ("49 euros",)), intent="returns")
WORTH = Judge(model=NAME, labels=200, kappa=0.9, decides=True, threshold=0.7, embedder="concepts")
FILED = FILE + '[measure]\nclaims = "embeddings"\n'


async def asked(folder: Path, worth: Judge | None, *, file: str = FILED, by: str = "concepts"):
    async with town(folder, file) as shop, shop.bus.serve("embeds", {"retrieval.embed": Vectors(by)}):
        if worth:
            commands.keep(shop.given.data, worth)
        shop.server.when(lambda asked: asked.body["model"] == "referee-1", "no")
        shop.server.otherwise(f"{OTHER_WORDS}. It has a price.")
        _, run = await shop.evaluate([CASE], "prompt")
        return run, [one for one in shop.models if one == "referee-1"]


@pytest.mark.parametrize(
    ("worth", "claims", "by"),
    [
        (WORTH, 0.5, "embeddings"),
        (replace(WORTH, decides=False, why="κ 0.40"), 0.0, "text"),
        (replace(WORTH, embedder="others"), 0.0, "text"),
    ],
)
async def test_in_a_run_they_decide_only_when_they_may(tmp_path: Path, worth: Judge, claims: float, by: str) -> None:
    run, _ = await asked(tmp_path, worth)
    (one,) = run.answered
    assert (one.grades.matched, one.grades.claims, one.grades.by) == (0.5, claims, by)
    assert [judge.decides for judge in run.judges] == [by == "embeddings"]
    assert [check for check in run.checks if not check.ok] == []


async def test_without_labels_they_match_nothing_and_say_so(tmp_path: Path) -> None:
    run, _ = await asked(tmp_path, None)
    assert run.answered[0].grades.matched is None
    assert "nobody compared it with people" in run.judges[0].why


async def test_a_model_judge_is_not_asked_for_what_vectors_decided(tmp_path: Path) -> None:
    run, referee = await asked(tmp_path, WORTH, file=FILED + 'judge = "referee-1"\n')
    assert len(referee) == 2, "of the fact that they did not find, in both orders"
    assert run.answered[0].grades.judged == 0.5


async def test_unless_the_file_wishes_it_nothing_is_embedded(tmp_path: Path) -> None:
    run, _ = await asked(tmp_path, WORTH, file=FILE)
    assert (run.judges, run.answered[0].grades.matched) == ((), None)
