"""`turnout eval tracks` through the dialog as it runs: who is asked what, what is kept, and what it costs."""

import asyncio
from pathlib import Path

import pytest

from core import keys
from core.bus import so_far
from core.errors import ConfigError, Unavailable
from core.evaluation.tracks.keeping import ANSWERS, ROUTES
from core.evaluation.tracks.records import Case, Run
from core.policy.routes import Routes
from core.records import Turn, decode
from tests.evaluation.town import CASES, FILE, Town, town
from tests.fakes.openai_server import Asked, Reply

TRACKS = ("template", "prompt", "rag", "tuned", "hybrid", "stronger")


@pytest.fixture
async def shop(tmp_path: Path):
    async with town(tmp_path) as made:
        made.server.otherwise(answering)
        yield made


def answering(asked: Asked) -> str:
    """Whoever sees the documents says what they say, and cites them; nobody else knows."""
    if "30 days" in asked.text:
        return "You may return bikes within 30 days, and helmets must be unworn [1]."
    return "A helmet costs 49 euros. A tyre costs 20 euros. [1]" if "49 euros" in asked.text else "I think it is 14 days."


def by(run: Run, track: str) -> dict:
    return {one.case: one for one in run.answered if one.track == track}


async def test_every_track_that_can_run_is_asked_every_case_and_each_answer_is_graded(shop: Town) -> None:
    kept, run = await shop.evaluate(CASES)
    assert [track.name for track in run.tracks if not track.left_out] == [*TRACKS]
    assert {(one.case, one.track) for one in run.answered} == {
        (case.id, track) for case in CASES for track in TRACKS if track != "template" or case.intent == "returns"
    }
    assert {one.grades.quality for one in by(run, "rag").values()} == {1.0}
    assert {one.grades.citations for one in by(run, "stronger").values()} == {1.0}
    assert {one.grades.quality for one in by(run, "prompt").values()} == {0.0}
    assert all(one.served == one.track and one.total > 0 for one in run.answered)
    assert by(run, "rag")["r1"].first > 0
    assert decode(Run, (kept.folder / "run.json").read_bytes()) == run
    routes = decode(Routes, (kept.folder / ROUTES).read_bytes())
    assert {route.intent: route.evidence.kind for route in routes.routes if route.evidence} == {
        "returns": "cannot_tell",
        "prices": "cannot_tell",
    }


async def test_each_track_is_asked_by_its_own_model(shop: Town) -> None:
    for track, model in (("rag", "small"), ("hybrid", "own"), ("stronger", "large")):
        shop.server.asked.clear()
        _, run = await shop.evaluate(CASES[:1], track, anew=True)
        assert shop.models == [model]
        assert run.answered[0].model == model


async def test_a_turn_costs_what_it_read_and_wrote_and_its_share_of_the_training(shop: Town) -> None:
    _, run = await shop.evaluate(CASES[:1], "prompt", "tuned", anew=True)
    small, own = by(run, "prompt")["r1"], by(run, "tuned")["r1"]
    assert small.cost == pytest.approx((100 * small.usage.prompt_tokens + 1000 * small.usage.completion_tokens) / 1e6)
    assert own.paid == pytest.approx((50 * own.usage.prompt_tokens + 500 * own.usage.completion_tokens) / 1e6)
    assert own.cost == pytest.approx(own.paid + 0.01)
    assert run.spent == pytest.approx(small.paid + own.paid)


async def test_what_was_said_before_is_said_first_to_the_same_track(shop: Town) -> None:
    case = Case(id="f", question="And helmets?", before=("How long may I return a bike?",), claims=(("unworn",),))
    _, run = await shop.evaluate([case], "rag")
    (turn,) = [turn for turn in await log(shop) if turn.id == run.answered[0].turn]
    assert shop.server.asked[0].question.startswith("How long may I return a bike?")
    assert "How long may I return a bike?" in shop.server.asked[-1].text
    assert turn.prev > 0


async def log(shop: Town) -> list[Turn]:
    return [decode(Turn, stored.data) async for stored in so_far(shop.bus, "LOG", f"log.{keys.EVALUATION}.>")]


async def test_a_run_that_is_cut_off_goes_on_and_asks_nothing_twice(shop: Town) -> None:
    asked_before = asyncio.Event()

    def third(asked: Asked) -> str:
        if len(shop.server.asked) >= 5:
            asked_before.set()
        return answering(asked)

    shop.server.otherwise(third)
    cut = asyncio.create_task(shop.evaluate(CASES, "prompt", "rag", "stronger", parallel=2))
    await asked_before.wait()
    cut.cancel()
    await asyncio.gather(cut, return_exceptions=True)
    kept, run = await shop.evaluate(CASES, "prompt", "rag", "stronger", parallel=2)
    assert len(run.answered) == 12
    assert len(shop.server.asked) == 12
    assert run.spent == pytest.approx(sum(one.paid for one in run.answered))
    assert len({kept.folder for kept in [kept]}) == len([*kept.folder.parent.iterdir()])


async def test_a_line_that_a_crash_cut_off_is_asked_again_but_not_paid_again(shop: Town) -> None:
    kept, run = await shop.evaluate(CASES[:2], "rag")
    path = kept.folder / ANSWERS
    path.write_bytes(path.read_bytes()[:-40])
    (kept.folder / "run.json").unlink()
    _, again = await shop.evaluate(CASES[:2], "rag")
    assert {one.case: one.text for one in again.answered} == {one.case: one.text for one in run.answered}
    assert again.id == run.id
    assert len(shop.server.asked) == 2


async def test_it_stops_before_it_costs_more_than_it_may_and_goes_on_when_it_may(shop: Town) -> None:
    whole = [case for n in range(10) for case in [Case(id=f"c{n}", question=f"May I return bike {n}?", claims=(("30 days",),))]]
    _, run = await shop.evaluate(whole, "stronger", most=6.5, parallel=3)
    assert 0 < len(run.answered) < len(whole)
    assert run.spent <= 6.5
    assert "might have cost" in run.stopped
    asked = len(shop.server.asked)
    assert asked == len(run.answered)
    _, more = await shop.evaluate(whole, "stronger", parallel=3)
    assert (more.id, len(more.answered), more.stopped) == (run.id, len(whole), "")
    assert len(shop.server.asked) == len(whole)


async def test_a_ceiling_needs_every_price(tmp_path: Path) -> None:
    async with town(tmp_path, FILE.replace("[models.prices.large]", "[models.prices.other]")) as shop:
        with pytest.raises(ConfigError, match="price of every model"):
            await shop.evaluate(CASES, most=1.0)
        assert shop.server.asked == []


async def test_other_questions_or_documents_are_another_run(shop: Town) -> None:
    kept, _ = await shop.evaluate(CASES[:1], "rag")
    (kept.folder / "run.json").unlink()
    shop.documents["returns.md"] += " Trousers too."
    other, _ = await shop.evaluate(CASES[:1], "rag")
    assert other.folder != kept.folder


async def test_a_model_that_is_down_could_not_serve_and_another_track_does_not_stand_in(shop: Town) -> None:
    shop.server.when(lambda asked: asked.body["model"] == "own", Reply(status=400, message="no such model"))
    _, run = await shop.evaluate(CASES[:1], "tuned", "rag")
    tuned = by(run, "tuned")["r1"]
    assert (tuned.outcome, tuned.served, tuned.grades.quality) == ("cannot", "none", 0.0)
    assert [side.breach for side in run.sides if side.track == "tuned"] == ["could not serve 1 of 1 questions"]


async def test_where_nothing_answers_whoever_says_so_is_right(shop: Town) -> None:
    case = Case(id="w", question="Who won yesterday?", answerable=False)
    shop.server.otherwise("Yesterday it was the blue team.")
    _, run = await shop.evaluate([case], "prompt", "rag")
    assert by(run, "prompt")["w"].grades.quality == 0.0
    assert (by(run, "rag")["w"].outcome, by(run, "rag")["w"].grades.quality) == ("declined", 1.0)


async def test_without_a_core_it_says_so_and_keeps_what_it_has(tmp_path: Path) -> None:
    async with town(tmp_path) as shop:
        pass
    with pytest.raises(Unavailable):
        await shop.evaluate(CASES[:1], "rag")
