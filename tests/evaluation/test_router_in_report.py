"""The report of tracks shows which questions the router would send elsewhere, where another intent's route answers them."""

from pathlib import Path

from lxml import html
from msgspec.structs import replace

from core.evaluation.tracks import report
from core.evaluation.tracks.records import Case
from tests.evaluation.town import CASES, FILE, town

ASTRAY = Case(id="a1", question="how much is a helmet", claims=(("unworn",),), intent="returns")
OUTSIDE = Case(id="o1", question="how much is a tyre", out_of_scope=True, answerable=False)
LATER = Case(id="l1", question="And helmets?", before=("How long may I return it?",), claims=(("unworn",),), intent="returns")


async def test_questions_that_the_router_sends_elsewhere_are_drawn_and_counted(tmp_path: Path) -> None:
    async with town(tmp_path) as shop:
        shop.server.otherwise("I do not know.")
        _, run = await shop.evaluate([*CASES, ASTRAY, OUTSIDE, LATER], "prompt")
    assert {one.case: one.said for one in run.routed if one.case in ("a1", "p1", "r1")} == {
        "a1": "prices",
        "p1": "prices",
        "r1": "returns",
    }
    assert "l1" not in {one.case for one in run.routed}, "what follows another question is read with it"
    page = html.fromstring(report.page(run))
    told = [
        one.text_content() for one in page.xpath("//*[local-name()='svg'][@aria-label='confusions']//*[local-name()='title']")
    ]
    assert "returns taken for prices: 1" in told
    assert "(out of scope) taken for prices: 1" in told
    words = " ".join(page.text_content().split())
    assert "Of 6 questions that say one and begin a conversation the router by itself gets 67 %" in words
    assert "sends 33 %" in words


async def test_what_it_declines_is_not_sent_elsewhere(tmp_path: Path) -> None:
    strict = FILE.replace("out_of_scope_below = 0", "out_of_scope_below = 0.5")
    strange = replace(ASTRAY, question="zebras play the xylophone")
    async with town(tmp_path, strict) as shop:
        shop.server.otherwise("I do not know.")
        _, run = await shop.evaluate([strange], "prompt")
    assert [one.kind for one in run.routed] == ["out_of_scope"]
    words = " ".join(html.fromstring(report.page(run)).text_content().split())
    assert "sends 0 %" in words
    assert "declines 100 %" in words


async def test_where_no_question_says_its_intent_it_says_so(tmp_path: Path) -> None:
    async with town(tmp_path) as shop:
        _, run = await shop.evaluate([Case(id="x", question="how much is a helmet", claims=(("49 euros",),))], "prompt")
    assert run.routed == ()
    assert "Nothing is known of it: no question says its intent" in report.page(run)
