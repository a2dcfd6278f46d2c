"""What a model was trained on is known by prints, and a question of the test that was among it is met again."""

import json
from pathlib import Path

import pytest

from core.errors import ConfigError
from core.evaluation.tracks.learned import learned, met
from core.evaluation.tracks.records import Case


def row(*said: str) -> str:
    return json.dumps(
        {"messages": [{"role": role, "content": text} for role, text in zip(("system", "user"), said, strict=False)]}
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.jsonl").write_text(row("You help.", "How long may I return a bike?") + "\n")
    origins = [{"file": "train.jsonl", "lane": "lane-1"}, {"file": "validation.jsonl", "lane": "lane-2"}]
    (tmp_path / "provenance.jsonl").write_text("\n".join(map(json.dumps, origins)))
    return tmp_path


@pytest.mark.parametrize("asked", ["How long may I return a bike?", "how long, a bike – may I RETURN"])
def test_a_question_is_met_again_whatever_its_case_marks_and_order(folder: Path, asked: str) -> None:
    assert met(Case(question=asked), frozenset(learned(folder)))


def test_other_words_and_what_only_validated_are_new(folder: Path) -> None:
    known = frozenset(learned(folder))
    assert not met(Case(question="How long may I rent a bike?"), known)
    assert not met(Case(question="Another?", group="lane-2"), known)


def test_a_conversation_that_was_learned_from_is_met_in_every_question(folder: Path) -> None:
    assert met(Case(question="Another?", group="lane-1"), frozenset(learned(folder)))


def test_questions_are_compared_scrubbed_as_data_sets_are(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(row("You help.", "Write to [EMAIL] about my refund please"))
    assert met(Case(question="Write to ann@example.org about my refund please"), frozenset(learned(tmp_path)))


def test_what_is_no_data_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"train\.jsonl cannot be read"):
        learned(tmp_path)
    (tmp_path / "train.jsonl").write_text("[1]\nnot json")
    with pytest.raises(ConfigError, match=r"train\.jsonl, line 1 is no JSON object"):
        learned(tmp_path)
