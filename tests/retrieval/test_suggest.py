"""Settings are tuned on some documents' questions and proved on others'."""

import time
from contextlib import closing

import pytest

from core.assistant import Knowledge
from core.errors import TurnoutError
from retrieval import embeddings
from retrieval.evaluation.questions import Question
from retrieval.evaluation.rebuilding import Library, restored
from retrieval.evaluation.suggest import Candidate, Trial, halves, told
from retrieval.fusion import Weights
from retrieval.index import Index, Setup
from retrieval.manifest import Change, Row
from retrieval.readers.contract import Heading, LoadedDocument
from retrieval.splitting import WORDS, split
from tests.retrieval import fakes

NAMES = [f"name{number}" for number in range(24)]
QUESTIONS = [Question(question=f"When does {name} open?", id=name, sources=(f"{name}.md",)) for name in NAMES]


def change(document):
    row = Row(document.source, 0, f"/{document.source}", "command", "hash", document.title, "", 0, time.time())
    return Change(document, split(document), row)


@pytest.fixture
def library(tmp_path):
    """Pages told apart by one word; the embedder's vectors know nothing of it."""
    fakes.embedded.clear()
    embedder = embeddings.find(Knowledge(embeddings="tests.retrieval.fakes:Misleading"))
    setup = Setup(embedder=embedder, weights=Weights(0.1, 0.9))
    with closing(Index(tmp_path / "index", setup)) as index:
        texts = {name: f"The garden of {name} opens at seven. " * 3 for name in NAMES}
        index.put_all([change(LoadedDocument(f"{name}.md", "Page", text)) for name, text in texts.items()])
    with closing(Library(tmp_path / "index", tmp_path / "copy", setup)) as made:
        yield made


async def test_a_gain_is_proved_on_the_rest_the_lines_to_paste_are_told_and_no_text_is_embedded_twice(library):
    found = await Trial(library, Candidate(180, 1, 0.1), lambda text: None).suggest(QUESTIONS, seed=0)
    assert found.best.share > 0.1
    assert found.sure
    assert f"[knowledge]\npassage_words = {found.best.words}" in told(found) or "[knowledge]\nword_weight" in told(found)
    assert "word_weight = " in told(found)
    assert (found.training, found.held_out) == (12, 12)
    assert len(fakes.embedded) == len({*fakes.embedded})


async def test_what_cannot_be_better_is_not_suggested(library):
    found = await Trial(library, Candidate(180, 1, 1.0), lambda text: None).suggest(QUESTIONS, seed=0)
    assert not found.sure
    assert "[knowledge]" not in told(found)


def test_a_gain_that_may_be_chance_says_how_many_questions_more():
    from core.evaluation.intervals import Figure
    from retrieval.evaluation.suggest import Suggestion

    gains = {
        "recall": Figure(0.02, -0.01, 0.05, 40),
        "nDCG@10": Figure(0.02, -0.01, 0.05, 40),
        "both": Figure(0.02, -0.01, 0.05, 40),
    }
    means = dict.fromkeys(gains, 0.9)
    found = Suggestion(Candidate(180, 6, 0.4), Candidate(120, 9, 0.4), 44, 40, 40, means, means, gains, 210, {6: 0.9})
    assert "cannot tell: about 210 more questions needed" in told(found)
    assert "[knowledge]" not in told(found)


def test_no_document_and_no_conversation_is_on_both_sides():
    questions = [
        Question(
            question="?",
            id=str(n),
            sources=(f"{n % 30}.md", f"{(n * 7) % 30}.md") if n % 3 else (f"{n}.md",),
            group=f"g{n % 40}",
        )
        for n in range(90)
    ]
    with pytest.raises(TurnoutError, match="cannot tell"):
        halves(questions, 0)
    alone = [Question(question="?", id=str(n), sources=(f"{n % 20}.md",), group=f"g{n % 40}") for n in range(90)]
    training, held_out = halves(alone, 0)
    assert {one.sources for one in training} & {one.sources for one in held_out} == set()
    assert {one.group for one in training} & {one.group for one in held_out} == set()
    assert halves(alone, 0) == (training, held_out) != halves(alone, 1)


def test_a_document_made_again_from_its_passages_is_cut_the_same():
    text = "Intro words here.\n# One\n" + "Alpha beta gamma. " * 150 + "\n# Two\n" + "Delta epsilon. " * 20
    headings = tuple(Heading(1, title, text.index(f"# {title}"), text.index(f"# {title}") + 5) for title in ("One", "Two"))
    document = LoadedDocument("a.md", "A", text, headings, (0, 600, 2000))
    pieces = split(document)
    row = Row("a.md", 1, "/a.md", "command", "hash", "A", "", len(pieces), 0.0)
    again = split(restored(row, text, pieces))
    assert [(p.text, p.heading, p.start, p.page) for p in again] == [(p.text, p.heading, p.start, p.page) for p in pieces]


def test_the_setting_begins_where_the_splitter_does():
    assert Knowledge().passage_words == WORDS


def test_shorter_passages_are_shorter():
    document = LoadedDocument("a.md", "A", "Alpha beta gamma delta. " * 200)
    assert max(len(piece.text.split()) for piece in split(document, 60)) <= 60
    assert len(split(document, 60)) > 2 * len(split(document))
