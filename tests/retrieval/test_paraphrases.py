"""What means the same is found though no word of it is said."""

from contextlib import closing

import pytest

from core.assistant import Knowledge
from core.knowledge import Passage
from retrieval import embeddings
from retrieval.splitting import split
from tests.retrieval import paraphrases
from tests.retrieval.paraphrases import measured, questions, recall

FEW = ("helmets.md", "loyalty.md", "gift-cards.md", "financing.md", "order-status.md")


@pytest.fixture(scope="module")
def passages():
    return [
        Passage(id=piece.id, source=document.source, title=document.title, text=piece.text, heading=piece.heading)
        for document in paraphrases.documents()
        for piece in split(document)
    ]


def test_no_question_shares_a_word_with_a_passage_that_answers_it(passages):
    for one in questions():
        answering = [passage for passage in passages if one.answered_by(passage)]
        assert answering, one
        assert not any(one.shared(passage) for passage in answering), one
    assert len(questions()) >= 40


def test_words_that_are_shared_by_chance_leave_most_of_what_meaning_finds(tmp_path):
    embedder = embeddings.find(Knowledge())
    asked = [one for one in questions() if one.source in FEW]
    with closing(paraphrases.fill(tmp_path, paraphrases.documents(FEW), embedder)) as index:
        found = measured(index, asked, embedder)
    assert recall(found["words"], paraphrases.DEEP) == 0
    assert recall(found["both"], 6) >= 0.7
    assert recall(found["both"], 1) >= 1 / 3
