"""The example shop keeps its promises: every question's sources and facts exist, and the router sends it the right way."""

import json
import re
import tomllib
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import docx
import pypdf
import pytest

from core.assistant import Assistant, read
from core.dialog.routing import Router
from core.memory import Conversation, Exchange

SHOP = Path(__file__).parent.parent.parent / "examples" / "shop"
KNOWLEDGE = SHOP / "knowledge"
QUESTIONS: list[dict[str, Any]] = [json.loads(line) for line in (SHOP / "questions.jsonl").read_text("utf-8").splitlines()]
INSIDE = [q for q in QUESTIONS if not q["out_of_scope"]]
OUTSIDE = [q for q in QUESTIONS if q["out_of_scope"]]


@pytest.fixture(scope="module")
def assistant() -> Assistant:
    return read(SHOP / "assistant.toml")


@pytest.fixture(scope="module")
def router(assistant: Assistant) -> Router:
    return Router(assistant)


@cache
def text_of(name: str) -> str:
    path = KNOWLEDGE / name
    if path.suffix == ".pdf":
        text = "\n".join(page.extract_text() for page in pypdf.PdfReader(path, strict=True).pages)
    elif path.suffix == ".docx":
        document = docx.Document(str(path))
        cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
        text = "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])
    else:
        text = path.read_text("utf-8")
        if path.suffix == ".html":
            text = unescape(re.sub(r"<[^>]+>", "", text))
    return " ".join(text.split())


def asked_in(question: dict[str, Any]) -> Conversation:
    if "before" not in question:
        return Conversation(lane="x")
    before = Exchange(turn="t", asked=question["before"], answered="…", tokens=1, intent=question["intent"])
    return Conversation(lane="x", at=1, exchanges=(before,))


def test_a_hundred_questions_ask_about_every_document() -> None:
    assert len(QUESTIONS) == len({q["id"] for q in QUESTIONS}) == 100
    assert {source for q in QUESTIONS for source in q["sources"]} == {path.name for path in KNOWLEDGE.iterdir()}


def test_every_fact_stands_in_its_source() -> None:
    missing = [
        (q["id"], quote)
        for q in QUESTIONS
        for quote in q["quotes"]
        if not any(" ".join(quote.split()) in text_of(source) for source in q["sources"])
    ]
    assert missing == []


def test_the_file_shows_every_track_and_enough_examples(assistant: Assistant) -> None:
    assert {track for intent in assistant.intents for track in intent.route} == {"template", "prompt", "rag", "tuned", "hybrid"}
    assert all(12 <= len(intent.examples) <= 30 for intent in assistant.intents)
    assert {q["intent"] for q in INSIDE} == {intent.name for intent in assistant.intents}
    assert all((SHOP / path).is_dir() for path in assistant.knowledge.paths)


def test_no_question_is_an_example_the_router_learned(assistant: Assistant) -> None:
    learned = {example.casefold().strip("?! ") for intent in assistant.intents for example in intent.examples}
    shared = [q["question"] for q in INSIDE if q["question"].casefold().strip("?! ") in learned]
    assert set(shared) <= {"Hello!"}


def test_the_router_sends_the_questions_the_right_way(router: Router) -> None:
    right = [router.decide(q["question"], asked_in(q)).intent == q["intent"] for q in INSIDE]
    assert sum(right) >= 0.85 * len(right)


def test_out_of_scope_is_refused_and_the_rest_kept(router: Router) -> None:
    kept = [router.decide(q["question"], asked_in(q)).kind != "out_of_scope" for q in INSIDE]
    refused = [router.decide(q["question"], asked_in(q)).kind == "out_of_scope" for q in OUTSIDE]
    assert sum(kept) >= 0.95 * len(kept)
    assert sum(refused) >= 0.8 * len(refused)


def test_small_talk_needs_no_model(assistant: Assistant, router: Router) -> None:
    for text in ("Hi!", "thanks a lot", "good morning", "talk to a human please"):
        decision = router.decide(text, Conversation(lane="x"))
        assert decision.kind == "intent"
        assert "template" in assistant.route(decision.intent)


def test_the_binary_documents_say_what_their_sources_say() -> None:
    for source in (SHOP / "sources").iterdir():
        written = next(path.name for path in KNOWLEDGE.iterdir() if path.stem == source.stem)
        words = set(re.findall(r"\w+", re.sub(r"^\d+\. ", "", source.read_text("utf-8"), flags=re.MULTILINE)))
        assert words <= set(re.findall(r"\w+", text_of(written)))


def test_the_comments_show_no_key_that_does_not_exist() -> None:
    text = (SHOP / "assistant.toml").read_text("utf-8")
    uncommented = re.sub(r"^# (prompt|tuned) = ", r"\1 = ", text, flags=re.MULTILINE)
    assert Assistant.model_validate(tomllib.loads(uncommented)).models.prompt
