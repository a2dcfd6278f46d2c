"""What the rag track searches for, what it makes of what search says, and what it must not say."""

import asyncio

import pytest

from core import assistant
from core.audience import Reader
from core.dialog.desk import Desk
from core.dialog.models.extractive import ExtractiveModel
from core.dialog.tracks import finding, load
from core.dialog.tracks.contract import Means
from core.errors import CannotServe, NothingFound
from core.knowledge import Cell, Conflict, Passage, SearchResult, Tags
from core.memory import Conversation
from core.records import Ground
from tests.core.test_tracks import asking, model, run, server, talked
from tests.core.turn_world import Router
from tests.fakes.openai_server import Reply

__all__ = ["model", "server"]

PRICES = Passage(id="1", source="prices.md", title="Prices", text="| Bike | Price |\n|-|-|\n| Path 2 | 899 |", end=40)
OLD = Passage(id="2", source="old.md", title="Old prices", text="The Path 2 costs 799 euros.", end=27)
SECRET = Passage(id="3", source="plan.md", title="Plan", text="The Path 2 will cost 699.", tags=Tags(audience=("staff",)))
CELL = Cell(value="899", row="Path 2", column="Price", passage=PRICES)
OTHER = Cell(value="799", row="The Path 2 costs 799 euros.", passage=OLD)
CONFLICT = Conflict(about="Path 2, Price", said=(CELL, OTHER))
QUESTION = "What does the Path 2 cost?"
STAFF = Reader(frozenset({"staff"}), frozenset({"staff"}))
IN_A_ROOM = Reader(frozenset(), frozenset({"staff"}))


def searching(*passages, **more):
    """Search as it is: it gives a request what its audiences may read."""

    async def search(request):
        search.asked.append(request)
        allowed = [one for one in passages if not one.tags.audience or {*one.tags.audience} & {*request.audiences}]
        return SearchResult(passages=tuple(allowed), documents=9, **more)

    search.asked = []
    return search


async def test_what_may_not_be_read_never_comes_though_search_still_gives_it():
    async def careless(request):
        return SearchResult(passages=(SECRET, PRICES), cells=(Cell(value="1", row="r", passage=SECRET),), documents=2)

    answer = await run("rag", asking(QUESTION), ExtractiveModel(), search=careless)
    assert "699" not in answer.parts[0].text
    assert answer.grounds == (Ground(),)


async def test_who_may_read_it_reads_it_and_the_answer_says_what_it_rests_on():
    search = searching(SECRET)
    answer = await run("rag", asking("Will the Path 2 cost 699?", reader=STAFF), ExtractiveModel(), search=search)
    assert "699" in answer.parts[0].text
    assert answer.grounds == (Ground(audience=("staff",)),)
    assert [request.audiences for request in search.asked] == [("staff",)]


@pytest.mark.parametrize(("passages", "more"), [((SECRET, OLD), True), ((OLD, SECRET), False), ((SECRET,), True), ((), False)])
async def test_in_a_room_better_things_for_the_asker_alone_are_offered(tmp_path, passages, more):
    (tmp_path / "a.toml").write_text('[assistant]\nname = "A"\ndefault_route = ["rag"]\n')
    file = assistant.read(tmp_path / "a.toml")
    desk = Desk(file, Router(), load(file), Means(ExtractiveModel(), None, searching(*passages)))

    def begin():
        return lambda text: asyncio.sleep(0)

    outcome = await desk.answer("The cost of the Path 2", Conversation(lane="l"), begin, reader=IN_A_ROOM)
    text = "\n".join(part.text for part in outcome.answer.parts)
    assert (file.about.more_in_private in text) is more
    assert not any(word in f"{text} {outcome.why}" for word in ("699", "Plan", "plan.md"))
    alone = await desk.answer("The cost of the Path 2", Conversation(lane="l"), begin, reader=STAFF)
    assert file.about.more_in_private not in str(alone.answer.parts)


async def test_below_its_confidence_a_search_has_found_nothing():
    unsure, sure = searching(OLD, confidence=0.3), searching(OLD, confidence=0.5)
    table = {"abstain_below": 0.4}
    with pytest.raises(NothingFound, match=r"hardly fit \(0\.30\)"):
        await run("rag", asking(QUESTION), ExtractiveModel(), search=unsure, knowledge=table)
    assert (await run("rag", asking(QUESTION), ExtractiveModel(), search=sure, knowledge=table)).citations


async def test_a_cell_answers_exactly_where_no_model_writes():
    answer = await run("rag", asking(QUESTION), ExtractiveModel(), search=searching(OLD, PRICES, cells=(CELL,)))
    assert answer.parts[0].text.startswith("Path 2, Price: 899 [1]")
    assert [citation.source for citation in answer.citations] == ["prices.md"]


async def test_a_model_gets_the_cells_passage_first_though_search_did_not_rank_it(server, model):
    server.otherwise("The Path 2 costs 899 [1].")
    answer = await run("rag", asking(QUESTION), model, search=searching(OLD, cells=(CELL,)))
    assert answer.parts[0].text == "The Path 2 costs 899 [1]."
    assert answer.citations[0].source == "prices.md"


async def test_a_conflict_is_told_with_both_sources_whatever_the_model_writes(server, model):
    search = searching(PRICES, OLD, conflicts=(CONFLICT,))
    server.otherwise("The Path 2 costs 899 [1].")
    for writer in (model, ExtractiveModel()):
        answer = await run("rag", asking(QUESTION), writer, search=search)
        assert "The sources say different things about: Path 2, Price" in answer.parts[0].text
        assert "- Prices: Price: 899 [1]\n- Old prices: The Path 2 costs 799 euros. [2]" in answer.parts[0].text
        assert [citation.source for citation in answer.citations] == ["prices.md", "old.md"]


async def test_a_conflict_the_answer_does_not_touch_is_no_matter(server, model):
    search = searching(PRICES, OLD, SECRET, conflicts=(CONFLICT,))
    server.otherwise("It will be 699 [3].")
    answer = await run("rag", asking(QUESTION, reader=STAFF), model, search=search)
    assert "different things" not in answer.parts[0].text


async def test_an_answer_of_which_nothing_is_left_goes_to_the_next_track(server, model):
    server.otherwise("The Path 2 costs 1,234 euros [1].")
    with pytest.raises(CannotServe, match="1 of 1 claims not borne out: 1,234 euros is not in the passage"):
        await run("rag", asking(QUESTION), model, search=searching(OLD), knowledge={"unsupported": "drop"})
    kept = await run("rag", asking(QUESTION), model, search=searching(OLD))
    assert kept.parts[0].text == "The Path 2 costs 1,234 euros *(not found in the sources)*."
    assert (kept.citations, "not borne out" in kept.why) == ((), True)


REWRITE = {"query": "rewrite"}
FOLLOWS = asking("and the 3?", before="Path 2 price", conversation=talked(("Path 2 price", "899")))


async def test_the_model_rewrites_the_query_where_the_conversation_has_begun(server, model):
    server.next(Reply("What does the Path 3 cost?"))
    server.otherwise("I could not find it.")
    search = searching(PRICES)
    answer = await run("rag", FOLLOWS, model, search=search, knowledge=REWRITE)
    assert [request.query for request in search.asked] == ["What does the Path 3 cost?"]
    assert "searched for 'What does the Path 3 cost?'" in answer.why
    await run("rag", asking("Path 2 price"), model, search=search, knowledge=REWRITE)
    assert search.asked[-1].query == "Path 2 price"


@pytest.mark.parametrize("slow", [True, False])
async def test_without_a_rewrite_in_time_the_last_two_are_searched_for(server, model, monkeypatch, slow):
    monkeypatch.setattr(finding, "REWRITE_SECONDS", 0.05 if slow else 60)
    answers = [lambda asked: "passage" in asked.text, "I could not find it."]
    server.when(*answers)
    server.otherwise(Reply("Never read.", hang_after=0) if slow else Reply("", status=400))
    search = searching(PRICES)
    answer = await run("rag", FOLLOWS, model, search=search, knowledge=REWRITE)
    assert (search.asked[-1].before, search.asked[-1].query) == ("Path 2 price", "and the 3?")
    assert "query not rewritten" in answer.why


async def test_a_question_that_stands_alone_is_searched_for_with_the_topic_before_it(server, model):
    server.otherwise("I could not find it.")
    search = searching(PRICES)
    stands = asking(
        "What does the Path 3 cost in Austria?", conversation=talked(("Path 2 price", "899"), ("and the 3?", "999"))
    )
    await run("rag", stands, model, search=search)
    assert (search.asked[-1].before, search.asked[-1].earlier) == ("", "Path 2 price")
    await run("rag", stands, model, search=search, knowledge={"query": "last"})
    assert search.asked[-1].earlier == ""
    await run("rag", FOLLOWS, model, search=search)
    assert (search.asked[-1].before, search.asked[-1].earlier) == ("Path 2 price", "")
