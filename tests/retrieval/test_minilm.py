"""The local embeddings: meaning without torch."""

import numpy as np
import pytest

from retrieval.embeddings.minilm import MiniLM


@pytest.fixture(scope="module")
def model():
    return MiniLM()


def test_what_means_the_same_lies_nearer_than_what_shares_words(model):
    question, answer, other = model.encode(
        ["How can I get my money back?", "We transfer refunds within five days.", "How can I get to the back door?"]
    )
    assert question @ answer > question @ other


def test_a_text_has_the_same_vector_alone_and_among_longer_ones(model):
    texts = ["short", "a text of some more words than the others have " * 30, "", "Grüße 你好 🚲"]
    together = model.encode(texts)
    alone = np.stack([model.encode([text])[0] for text in texts])
    assert np.abs(together - alone).max() < 1e-5
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_it_speaks_langchain(model):
    vector = model.embed_query("a bike")
    assert len(vector) == 384
    assert np.allclose(model.embed_documents(["a bike"])[0], vector, atol=1e-6)
