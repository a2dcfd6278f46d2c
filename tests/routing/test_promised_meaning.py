"""A stated risk where meaning is read: what is promised with it does not hold for messages that only their words tell."""

from core.bus_memory import MemoryBus
from core.dialog.routing import Router, texts_of
from core.dialog.routing.labelled import Labelled
from core.dialog.sensing import Senses
from tests.core.test_routing import INTENTS, NEW
from tests.routing.test_settings import by_meaning, desk, embedding, meant, said

KNOWN = [Labelled(text, name) for name, texts in INTENTS.items() for text in texts] * 5
STRANGE = [Labelled(f"bring number {n} over", "returns") for n in range(200)]
"""Only their meaning tells that they are returns: no example has one of their words."""


def router(messages: list[Labelled], **about: object) -> Router:
    file = by_meaning("embeddings", risk=0.05, clarify_below=0, out_of_scope_below=0, **about)
    return Router(
        file, {text: meant(text) for text in texts_of(file)}, messages, {one.text: meant(one.text) for one in messages}
    )


def test_without_its_vector_a_message_is_asked_back_about_from_the_words_own_limit_on() -> None:
    made = router(KNOWN + STRANGE)
    text = STRANGE[0].text
    assert made.promise.answered > made.promise_by_words.answered > 0
    assert made.decide(text, NEW, {text: meant(text)}).intent == "returns"
    assert made.decide(text, NEW, {text: meant(text)}).kind == "intent"
    assert made.decide(text, NEW).kind == "clarify"


def test_where_words_alone_cannot_keep_the_risk_the_answer_says_that_none_is_promised() -> None:
    made = router(STRANGE)
    text = STRANGE[0].text
    assert made.promise.threshold is not None
    assert made.promise_by_words.threshold is None
    assert "no risk promised" not in made.decide(text, NEW, {text: meant(text)}).why
    assert "no risk promised" in made.decide(text, NEW).why


async def test_messages_in_a_language_that_is_not_read_do_not_stand_for_a_promise_by_meaning(tmp_path) -> None:
    texts = tuple(one.text for one in STRANGE)
    file, bus = by_meaning("embeddings", risk=0.05, clarify_below=0, out_of_scope_below=0), MemoryBus()
    async with embedding(bus, unread=texts):
        for _ in range(2):  # once asked for, once as they are kept
            taught = await Senses(bus, tmp_path).taught([*texts_of(file), *texts])
            made = Router(file, taught.vectors, STRANGE, taught.heard)
            assert made.promise.of == 0
            assert made.promise_by_words.of == len(STRANGE)


async def test_when_retrieval_stops_answering_the_promise_is_taken_back(tmp_path) -> None:
    file, bus = by_meaning("embeddings", risk=0.05, clarify_below=0, out_of_scope_below=0), MemoryBus()
    text = STRANGE[0].text
    async with embedding(bus):
        senses = Senses(bus, tmp_path)
        taught = await senses.taught([*texts_of(file), *(one.text for one in STRANGE)])
        made = desk(file, Router(file, taught.vectors, STRANGE, taught.heard), sense=senses.now)
        assert "no risk promised" not in (await said(made, text)).why
    why = (await said(made, text)).why
    assert "no risk promised" in why
    assert "by words alone: retrieval does not embed" in why
