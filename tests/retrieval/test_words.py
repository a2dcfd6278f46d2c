"""Each document is searched by the words of its own language, whatever language the others or the assistant speak."""

import pytest

from core.assistant import Knowledge
from core.knowledge import SearchRequest, Tags
from retrieval import embeddings
from retrieval.embeddings import Embedder
from retrieval.index import Index, Setup
from retrieval.words import spoken
from tests.retrieval.fakes import Counting
from tests.retrieval.test_scope import found, put

GERMAN = "Die Fahrräder können innerhalb von dreißig Tagen zurückgegeben werden, wenn sie nicht benutzt wurden."
ENGLISH = "The bicycles may be returned within thirty days if they have not been used, and we will pay for it."
SPANISH = "Las bicicletas se pueden devolver en treinta días si no han sido usadas, y nosotros pagamos los gastos."
CHINESE = {"a.md": "自行车可以在三十天内退货。", "b.md": "商店每天上午九点开门。", "c.md": "头盔有三种尺寸，价格相同。"}
OTHERS = {
    "d.md": "返品は三十日以内に可能です。",
    "e.md": "자전거는 삼십일 안에 반품할 수 있습니다.",
    "f.md": "สามารถคืนจักรยานได้ภายในสามสิบวัน",
}


@pytest.fixture
def index(tmp_path):
    made = Index(tmp_path, Setup("en"))
    yield made
    made.close()


def test_each_document_is_stemmed_in_its_own_language(index):
    put(index, "de.md", GERMAN)
    put(index, "en.md", ENGLISH)
    put(index, "es.md", SPANISH)
    assert found(index, "Fahrrad") == ["de.md"]
    assert found(index, "bicycle returning") == ["en.md"]
    assert found(index, "bicicleta devuelta días") == ["es.md"]


def test_a_stop_word_of_one_language_is_a_word_of_another(index):
    put(index, "de.md", f"{GERMAN} Das gilt auch für die Klinge.")
    put(index, "en.md", f"{ENGLISH} A die is cast here.")
    assert found(index, "die") == ["en.md"]


@pytest.mark.parametrize(("text", "language"), [(GERMAN, "de"), (ENGLISH, "en"), (SPANISH, "es"), ("Helm 3000", "en")])
def test_the_language_of_a_text_is_told_or_the_assistants_taken(text, language):
    assert spoken(text, "en-GB") == language
    assert spoken(text, "en", tag="fr-CA") == "fr"


@pytest.mark.parametrize(
    ("query", "source"),
    [
        ("退货", "a.md"),
        ("商店几点开门", "b.md"),
        ("头盔的价格", "c.md"),
        ("返品", "d.md"),
        ("반품", "e.md"),
        ("คืนจักรยาน", "f.md"),
        ("盔", "c.md"),
    ],
)
def test_text_without_spaces_is_found_whatever_the_assistants_language(index, query, source):
    for name, text in (CHINESE | OTHERS).items():
        put(index, name, text)
    first = index.search(SearchRequest(query=query, k=1)).passages[0]
    assert first.source == source


def test_of_a_link_what_it_shows_is_searched_and_not_where_it_leads(index):
    put(index, "links.md", 'See [the tariff](https://example.com/zeppelin/docs) and ![a plan](img/harbour.png "of it") first.')
    put(index, "bare.md", "Call https://example.com/airship then.")
    assert (found(index, "tariff"), found(index, "plan")) == (["links.md"], ["links.md"])
    assert (found(index, "zeppelin"), found(index, "harbour"), found(index, "airship")) == ([], [], ["bare.md"])
    assert "zeppelin/docs)" in index.search(SearchRequest(query="tariff")).passages[0].text


def test_a_language_that_is_tagged_later_takes_the_words_anew(index):
    put(index, "short.md", "Fahrräder")
    assert found(index, "Fahrrad") == []
    index.retag("short.md", Tags(language="de"))
    assert found(index, "Fahrrad") == ["short.md"]


def test_an_embedder_of_one_language_is_neither_given_nor_asked_another(tmp_path):
    index = Index(tmp_path, Setup("en", Embedder("counting", Counting(), languages=("en",))))
    put(index, "de.md", GERMAN)
    put(index, "en.md", ENGLISH)
    assert index.waiting() == 1
    while index.embed_some():
        pass
    assert index.search(SearchRequest(query="Wann können die Fahrräder zurückgegeben werden?")).legs == ("lexical",)
    assert index.search(SearchRequest(query="When may the bicycles be returned?")).legs == ("lexical", "dense")
    assert index.search(SearchRequest(query="Fahrrad", language="de")).legs == ("lexical",)
    index.close()


def test_the_built_in_embedder_knows_english():
    assert embeddings.find(Knowledge()).languages == ("en",)
