"""What a store promises, kept by each: the shard in this process, and a Qdrant server."""

import threading
import uuid
from contextlib import closing
from dataclasses import replace

import pytest

from core.errors import ConfigError, StoreUnavailable
from core.knowledge import SearchRequest, Tags
from retrieval.scope import scope
from retrieval.stores.contract import Asked, Entry, Lack, revision
from retrieval.stores.rest import Missing, Server
from retrieval.stores.server import ServerStore, forget
from retrieval.stores.shard import Shard

FIELD, SIZE = "dense", 4
EAST, NORTH = [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]


@pytest.fixture(params=["embedded", "server"])
def opened(request, tmp_path):
    """Opens the store, again and again the same one."""
    if request.param == "embedded":
        return lambda: Shard(tmp_path / "shard")
    running = request.getfixturevalue("server")
    return lambda: ServerStore(Server(running.url), "turnout-test")


@pytest.fixture
def remote(server):
    with closing(ServerStore(Server(server.url), "turnout-test")) as made:
        yield made


@pytest.fixture
def store(opened):
    made = opened()
    yield made
    made.close()


def entry(name, text, *, tags=None, vectors=None, language="en"):
    payload = {"id": name, "text": text, "heading": "", "source": f"{name}.md", "title": "Gardens", "url": "", "start": 0}
    return Entry(payload | {"end": len(text), "page": 0}, tags or Tags(), language, vectors or {})


def asked(query, *, vector=None, **request):
    return Asked(query, "", vector, scope(SearchRequest(query=query, **request)), FIELD)


def found(store, query, **request):
    legs = store.search(asked(query, **request), 10)
    return [payload["id"] for payload in store.payloads([point for point, _ in legs.lexical])]


def test_a_new_store_says_that_it_was_made_and_an_opened_one_does_not(opened):
    first = opened()
    assert first.made
    first.close()
    again = opened()
    assert not again.made
    again.close()


def test_a_passage_is_found_by_its_words_best_first_and_comes_back_as_it_was_given(store):
    store.stage([(7, entry("moon", "The moon garden opens.")), (8, entry("sun", "The sun garden, and a garden, a garden."))])
    assert found(store, "moon") == ["moon"]
    assert found(store, "moon garden") == ["moon", "sun"]
    ((point, score),) = store.search(asked("moon"), 10).lexical
    assert revision(point) == 7
    assert score > 0
    (payload,) = store.payloads([point])
    assert {"text": "The moon garden opens.", "end": 22, "rev": 7}.items() <= payload.items()


def test_hidden_revisions_are_there_but_never_found(store):
    store.hidden = frozenset({2})
    store.stage([(1, entry("old", "The moon garden.")), (2, entry("new", "The moon garden at night."))])
    assert (found(store, "moon"), store.count(), store.count(2)) == (["old"], 2, 1)
    store.hidden = frozenset({1})
    assert found(store, "moon") == ["new"]


def test_dropped_revisions_are_gone_and_no_other(store):
    store.stage((rev, entry(f"page{rev}", "The moon garden.")) for rev in range(1, 151))
    store.drop([*range(1, 150)])
    assert (store.count(), found(store, "moon")) == (1, ["page150"])


def test_who_may_not_read_it_does_not_find_it_also_after_a_restart(opened):
    store = opened()
    staff = Tags(audience=("staff",), product="X1")
    store.stage([(1, entry("open", "The moon garden.")), (2, entry("closed", "The moon cellar.", tags=staff))])
    assert found(store, "moon") == ["open"]
    store.close()
    again = opened()
    assert (found(again, "moon"), {*found(again, "moon", audiences=("staff",))}) == (["open"], {"open", "closed"})
    assert {*found(again, "moon", audiences=("staff",), product="x1")} == {"open", "closed"}
    assert found(again, "moon", audiences=("staff",), product="x2") == ["open"]
    again.close()


def test_it_tells_whether_there_is_anything_that_a_search_may_find(store):
    staff = Tags(audience=("staff",), product="X1")
    store.stage([(1, entry("open", "The moon garden.")), (2, entry("closed", "The moon cellar.", tags=staff))])
    product, public = {"product": frozenset({"x1"})}, scope(SearchRequest(query=""))
    reading = scope(SearchRequest(query="", audiences=("staff",)))
    assert store.holds(public)
    assert store.holds(replace(reading, one_of={**reading.one_of, **product}))
    assert not store.holds(replace(public, one_of={**public.one_of, **product}))
    store.hidden = frozenset({1, 2})
    assert not store.holds(reading)


def test_texts_of_another_time_are_left_out_and_those_without_a_date_fit(store):
    kinds = {"none": 0.0, "early": 100.0, "late": 200.0}
    store.stage((rev, entry(name, "The moon garden.", tags=Tags(at=at))) for rev, (name, at) in enumerate(kinds.items(), 1))
    assert {*found(store, "moon", since=150.0)} == {"none", "late"}
    assert {*found(store, "moon", until=200.0)} == {"none", "early"}


def test_other_tags_count_for_the_next_search(store):
    store.stage([(1, entry("page", "The moon garden."))])
    store.mark(1, Tags(audience=("staff",)))
    assert (found(store, "moon"), found(store, "moon", audiences=("staff",))) == ([], ["page"])


def test_a_search_that_runs_beside_a_new_secret_does_not_find_it(store, monkeypatch):
    """Nobody is asked for an audience as long as everything is for everyone: a search under way must not meet the first secret."""
    store.stage([(1, entry("open", "The moon garden."))])
    secret = (2, entry("closed", "The moon cellar.", tags=Tags(audience=("staff",))))
    staging = threading.Thread(target=store.stage, args=([secret],))
    conditions = store._conditions

    def looked_up(asked_for):
        known = conditions(asked_for)
        staging.start()
        staging.join(0.3)
        return known

    monkeypatch.setattr(store, "_conditions", looked_up)
    assert found(store, "moon") == ["open"]
    staging.join()


def test_words_are_taken_in_the_language_of_their_text(store):
    store.stage([(1, entry("rad", "Fahrräder leihen", language="en"))])
    assert found(store, "Fahrrad") == []
    store.respeak(1, "de")
    assert found(store, "Fahrrad") == ["rad"]


def test_meaning_is_asked_as_soon_as_there_is_room_for_vectors(store):
    store.stage([(1, entry("moon", "The moon garden.")), (2, entry("sun", "The sun terrace."))])
    assert store.search(asked("east", vector=EAST), 10).dense == []
    store.has_dense(FIELD, SIZE)
    assert (store.waiting(Lack(FIELD, (1, 2))), store.waiting(Lack(FIELD, (2,)))) == (2, 1)
    assert [revision(point) for point, _ in store.without_vector(Lack(FIELD, (1,)), 10)] == [1]
    waiting = dict(store.without_vector(Lack(FIELD, (1, 2), ["en"]), 10))
    assert [revision(point) for point in waiting] == [2, 1]
    gone = uuid.UUID(int=5)
    store.give_vectors(FIELD, {**{p: EAST if "moon" in text else NORTH for p, text in waiting.items()}, gone: EAST})
    ((first, near), (_, far)) = store.search(asked("east", vector=EAST), 10).dense
    assert (revision(first), near, far) == (1, pytest.approx(1.0), pytest.approx(0.0))
    assert (store.waiting(Lack(FIELD, (1, 2))), store.count()) == (0, 2)


def test_it_tells_which_passages_have_no_vector_yet(store):
    store.has_dense(FIELD, SIZE)
    store.stage([(1, entry("moon", "The moon garden.", vectors={FIELD: EAST})), (2, entry("new", "A new moon."))])
    legs = store.search(asked("moon", vector=EAST), 10, all_vectors=False)
    assert {revision(point) for point in legs.bare} == {2}
    assert (store.waiting(Lack(FIELD, (1, 2))), store.waiting(Lack(FIELD, (1, 2), ["de"]))) == (1, 0)


def test_vectors_of_another_length_take_the_place_of_the_old_ones(store):
    store.has_dense(FIELD, SIZE)
    store.stage([(1, entry("moon", "The moon garden.", vectors={FIELD: EAST}))])
    store.drop_dense(FIELD)
    store.has_dense(FIELD, 2)
    assert store.waiting(Lack(FIELD, (1,))) == 1
    (point,) = dict(store.without_vector(Lack(FIELD, (1,)), 5))
    store.give_vectors(FIELD, {point: [1.0, 0.0]})
    assert [revision(one) for one, _ in store.search(asked("east", vector=[1.0, 0.0]), 5).dense] == [1]


def test_what_is_stored_of_a_revision_can_be_stored_again(store):
    store.has_dense(FIELD, SIZE)
    given = [entry(f"p{n}", f"Garden {n}.", tags=Tags(audience=("a",), at=5.0), vectors={FIELD: EAST}) for n in range(120)]
    store.stage((3, one) for one in given)
    assert sorted(store.entries(3), key=lambda one: int(one.payload["id"][1:])) == given


def test_points_that_went_meanwhile_are_left_out(store):
    store.stage([(1, entry("moon", "The moon garden.")), (2, entry("sun", "The sun garden."))])
    points = [point for point, _ in store.search(asked("garden"), 10).lexical]
    store.drop([1])
    assert [payload["id"] for payload in store.payloads(points)] == ["sun"]


def test_what_was_acknowledged_is_there_after_a_restart(opened):
    first = opened()
    first.has_dense(FIELD, SIZE)
    first.stage([(1, entry("moon", "The moon garden.", vectors={FIELD: EAST}))])
    first.close()
    again = opened()
    again.has_dense(FIELD, SIZE)
    assert (found(again, "moon"), again.waiting(Lack(FIELD, (1,)))) == (["moon"], 0)
    again.close()


@pytest.mark.parametrize("statuses", [(503,), (0,), (429, 500), (0, 0)])
def test_a_server_that_is_busy_for_a_moment_gets_the_write_again(server, remote, statuses):
    server.next(*statuses)
    remote.stage([(1, entry("moon", "The moon garden."))])
    assert (remote.count(), found(remote, "moon")) == (1, ["moon"])


def test_a_server_that_was_restarted_is_asked_over_a_new_connection(server, remote):
    remote.stage([(1, entry("moon", "The moon garden."))])
    server.stop()
    with pytest.raises(StoreUnavailable, match=rf"the Qdrant server at 127\.0\.0\.1:{server.port} does not answer"):
        remote.count()
    server.start()
    assert found(remote, "moon") == ["moon"]


def test_a_wrong_key_is_refused_by_name(server):
    server.key = "right"
    ServerStore(Server(server.url, "right"), "turnout-test").close()
    with pytest.raises(ConfigError, match=r"refuses the key.*QDRANT_API_KEY"):
        ServerStore(Server(server.url, "wrong"), "turnout-test")


def test_a_server_that_is_too_old_is_refused_by_its_version(server):
    server.version = "1.12.4"
    with pytest.raises(ConfigError, match=r"version 1\.12\.4: 1\.18 or newer"):
        ServerStore(Server(server.url), "turnout-test")


def test_a_vector_of_a_wrong_length_is_refused_with_the_servers_words(remote):
    remote.has_dense(FIELD, SIZE)
    with pytest.raises(StoreUnavailable, match="expected dim: 4, got 2"):
        remote.stage([(1, entry("moon", "The moon garden.", vectors={FIELD: [1.0, 0.0]}))])


def test_a_collection_that_somebody_deleted_is_missing(server, remote):
    forget(Server(server.url), "turnout-test")
    with pytest.raises(Missing, match="turnout-test"):
        remote.count()


def test_qdrants_own_client_understands_the_server_that_these_tests_ask(server, remote):
    """The witness that the fake speaks the protocol: its answers are read by the client that the real server's makers publish."""
    from qdrant_client import QdrantClient, models

    remote.has_dense(FIELD, SIZE)
    remote.stage([(1, entry("moon", "The moon garden.", vectors={FIELD: EAST}))])
    client = QdrantClient(url=server.url, check_compatibility=False)
    assert client.get_collection("turnout-test").config.params.vectors[FIELD].size == SIZE
    assert client.count("turnout-test").count == 1
    (record,), _ = client.scroll("turnout-test", with_vectors=[FIELD], limit=5)
    assert (record.payload["id"], record.vector) == ("moon", {FIELD: EAST})
    nearest = models.QueryRequest(query=EAST, using=FIELD, limit=3, filter=models.Filter(), with_payload=False)
    (answer,) = client.query_batch_points("turnout-test", [nearest])
    assert answer.points[0].score == pytest.approx(1.0)
    assert [hit.value for hit in client.facet("turnout-test", key="spoken", limit=3, exact=True).hits] == ["en"]
    client.close()
