"""What an owner can set: a risk, meaning beside words, and a model asked about what is unclear."""

import json
from contextlib import asynccontextmanager

import numpy as np
import pytest

from core.assistant import Assistant, Models
from core.bus import Bus
from core.bus_memory import MemoryBus
from core.dialog.desk import Desk
from core.dialog.models.openai_model import OpenAIModel
from core.dialog.routing import Router, labelled, texts_of
from core.dialog.routing.labelled import Labelled
from core.dialog.sensing import NoEmbedder, Senses, pending
from core.dialog.tracks.contract import Answer, Means
from core.errors import ConfigError
from core.knowledge import Embedded, EmbedRequest
from core.memory import Conversation
from core.records import Part, decode, encode
from core.tokens import for_model
from tests.core.test_routing import INTENTS, NEW, assistant
from tests.fakes.openai_server import OpenAIServer, Reply


def meant(text: str) -> np.ndarray:
    """A vector that knows what texts are about, in whatever words: returning, shipping, sizing, or small talk."""
    subjects = (("return", "back", "bring"), ("ship", "deliver", "parcel"), ("size", "frame", "tall"))
    number = next((n for n, words in enumerate(subjects) if any(word in text.lower() for word in words)), 3)
    row = np.full(4, 0.1, np.float32)
    row[number] = 1.0
    return row / np.linalg.norm(row)


@asynccontextmanager
async def embedding(bus: Bus, *, name: str = "fake", unread: tuple[str, ...] = ()):
    """A retrieval service that embeds, and the texts it was asked for."""
    asked: list[str] = []

    async def embed(data: bytes) -> bytes:
        texts = decode(EmbedRequest, data).texts
        asked.extend(texts)
        rows = np.stack([meant(text) for text in texts]).astype("<f4") if texts else np.zeros((0, 4), "<f4")
        places = tuple(n for n, text in enumerate(texts) if text in unread)
        return encode(Embedded(name=name, width=4 if texts else 0, data=rows.tobytes(), unread=places))

    async with bus.serve("retrieval", {"retrieval.embed": embed}):
        yield asked


def desk(file: Assistant, router: Router, model=None, sense=None) -> Desk:
    async def answers(ask, means, say) -> Answer:
        return Answer((Part(text=ask.intent),))

    tracks = {name: answers for name in ("rag", "template")}
    return Desk(file, router, tracks, Means(model, None, None), sense=sense)


def by_meaning(how: str, **about) -> Assistant:
    file = assistant(**about)
    return file.model_copy(update={"about": file.about.model_copy(update={"intents": how})})


async def said(one: Desk, text: str, conversation: Conversation = NEW):
    return await one.answer(text, conversation, lambda: None)


async def test_meaning_finds_the_intent_that_no_word_tells(tmp_path) -> None:
    file, bus = by_meaning("embeddings", clarify_below=0, out_of_scope_below=0), MemoryBus()
    async with embedding(bus) as asked:
        senses = Senses(bus, tmp_path)
        router = Router(file, (await senses.taught(texts_of(file))).vectors)
        taught = len(asked)
        outcome = await said(desk(file, router, sense=senses.now), "parcel fee")
        assert outcome.intent == "shipping"
        assert "words alone" not in outcome.why
        await Senses(bus, tmp_path).taught(texts_of(file))
        assert len(asked) == taught + 1, "examples are embedded once and kept"


async def test_without_retrieval_words_decide_and_the_reason_is_told(tmp_path) -> None:
    file, bus = by_meaning("embeddings"), MemoryBus()
    async with embedding(bus):
        senses = Senses(bus, tmp_path)
        router = Router(file, (await senses.taught(texts_of(file))).vectors)
    outcome = await said(desk(file, router, sense=senses.now), "how much is shipping to France")
    assert outcome.intent == "shipping"
    assert "by words alone: retrieval does not embed" in outcome.why
    waiting = await said(desk(file, Router(file), sense=pending), "how much is shipping to France")
    assert "by words alone: the examples have no vectors yet" in waiting.why


async def test_a_language_that_the_embeddings_do_not_read_is_judged_by_its_words(tmp_path) -> None:
    file, bus = by_meaning("auto"), MemoryBus()
    async with embedding(bus, unread=("Was kostet der Versand",)):
        senses = Senses(bus, tmp_path)
        router = Router(file, (await senses.taught(texts_of(file))).vectors)
        outcome = await said(desk(file, router, sense=senses.now), "Was kostet der Versand")
    assert "by words alone: fake does not read this language" in outcome.why


async def test_where_nothing_embeds_that_is_an_error_of_its_own(tmp_path) -> None:
    bus = MemoryBus()
    async with embedding(bus, name=""):
        with pytest.raises(NoEmbedder, match=r"knowledge\.embeddings"):
            await Senses(bus, tmp_path).taught(("a",))


@asynccontextmanager
async def scripted(tmp_path):
    async with OpenAIServer() as server:
        limits = Models(first_token_seconds=60, between_tokens_seconds=60, whole_answer_seconds=120)
        model = OpenAIModel(
            "scripted", api_key="sk-test", base_url=server.base_url, limits=limits, tokens=for_model("x", tmp_path)
        )
        try:
            yield server, model
        finally:
            await model.aclose()


def unsure(**about) -> Assistant:
    return assistant(clarify_below=1, out_of_scope_below=0, **({"unsure": "model", "unsure_seconds": 60} | about))


async def test_an_unclear_message_is_put_to_the_model_and_its_tokens_are_counted(tmp_path) -> None:
    file = unsure()
    async with scripted(tmp_path) as (server, model):
        server.otherwise(" Sizing.\n")
        outcome = await said(desk(file, Router(file), model), "frame delivery")
        shown = server.asked[0].body["messages"][-1]["content"]
    assert (outcome.kind, outcome.intent, outcome.track) == ("answered", "sizing", "rag")
    assert "chose sizing" in outcome.why
    assert outcome.answer.usage.prompt_tokens > 0
    assert "shipping" in shown
    assert shown.endswith("frame delivery")


@pytest.mark.parametrize(
    "answer", ["none", "sizing or shipping", "Ignore that. I am a pirate.", "x" * 5000, Reply("", status=500)]
)
async def test_whatever_else_the_model_says_the_person_is_asked_back(tmp_path, answer) -> None:
    file = unsure()
    async with scripted(tmp_path) as (server, model):
        server.otherwise(answer)
        outcome = await said(desk(file, Router(file), model), "frame delivery")
    assert outcome.kind == "clarify"
    assert len(outcome.answer.parts[0].choices) >= 2
    assert "unsure" in outcome.why
    assert outcome.why.count(";") == 1


async def test_a_model_that_takes_too_long_is_not_waited_for(tmp_path) -> None:
    file = unsure(unsure_seconds=0.05)
    async with scripted(tmp_path) as (server, model):
        server.gate.clear()
        outcome = await said(desk(file, Router(file), model), "frame delivery")
        server.gate.set()
    assert outcome.kind == "clarify"
    assert "took longer than 0.05 s" in outcome.why


async def test_by_default_no_model_is_asked(tmp_path) -> None:
    file = unsure(unsure="person")
    async with scripted(tmp_path) as (server, model):
        assert (await said(desk(file, Router(file), model), "frame delivery")).kind == "clarify"
        assert server.asked == []


def test_a_stated_risk_raises_the_confidence_that_is_asked_for() -> None:
    good = [Labelled(text, name) for name, texts in INTENTS.items() for text in texts] * 5
    bad = [Labelled("frame delivery", "returns"), Labelled("a frame for children in Vienna", "returns")] * 60
    router = Router(assistant(risk=0.05, clarify_below=0, out_of_scope_below=0), None, good + bad)
    assert router.promise is not None
    assert router.promise.threshold is not None
    assert router.decide("frame delivery", NEW).kind == "clarify"
    assert router.decide("how much is shipping", NEW).kind == "intent"


def test_a_risk_that_too_few_examples_can_promise_is_said_to_be_none() -> None:
    router = Router(assistant(risk=0.05))
    assert router.promise is not None
    assert router.promise.threshold is None
    assert "more are needed" in str(router.promise)
    assert Router(assistant()).promise is None


def test_labelled_messages_are_read_from_json_lines_and_csv(tmp_path) -> None:
    lines, table = tmp_path / "m.jsonl", tmp_path / "m.csv"
    lines.write_text('{"text": "send it back", "intent": "returns"}\n\n{"question": "a poem please", "intent": ""}\n')
    table.write_text('text,intent,near\n"send it back, please",returns,\na poem,out_of_scope,yes\n')
    assert labelled.read(lines, INTENTS) == [Labelled("send it back", "returns", 1), Labelled("a poem please", "", 3)]
    assert [(one.text, one.intent, one.near) for one in labelled.read(table, INTENTS)] == [
        ("send it back, please", "returns", False),
        ("a poem", "", True),
    ]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        (
            "m.jsonl",
            '{"text": "a", "intent": "returns"}\n{"text": "a", "intent": "retuns"}\n',
            r"m\.jsonl:2: no intent is called 'retuns'",
        ),
        ("m.jsonl", "nonsense\n", r"m\.jsonl:1: no JSON"),
        ("m.jsonl", json.dumps({"intent": "returns"}), r"m\.jsonl:1: needs a `text`"),
        ("m.jsonl", '{"text": "a", "intent": "returns", "near": true}', r"m\.jsonl:1: only what is out of scope can be `near`"),
        ("m.jsonl", '{"text": "a", "intent": "", "near": "perhaps"}', r"m\.jsonl:1: `near` is true or false"),
        ("m.csv", "a,b\n1,2\n", r"the first line must name the columns"),
        ("m.jsonl", "", "no message in it"),
    ],
)
def test_what_is_no_labelled_message_is_named_with_its_line(tmp_path, name, text, reason) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=reason):
        labelled.read(tmp_path / name, INTENTS)
