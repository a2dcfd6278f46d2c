"""The page of a run: whole in one file, plain to read, and whatever an answer says it stays text."""

import re

import pytest
from lxml import html
from msgspec.structs import replace

from core.evaluation.tracks import report
from core.evaluation.tracks.deciding import conclude
from core.evaluation.tracks.records import Check, Judge, Limits, Run, Track
from core.records import Citation
from tests.evaluation.sample import sample

HOSTILE = (
    "</title></style><script>window.hit = 1</script>\"'><img src=x onerror='window.hit = 1'><svg onload=alert(1)>&lt;b&gt;"
)


@pytest.fixture(scope="module")
def run() -> Run:
    made = sample(intents=4, cases=60)
    return replace(made, checks=report.checks(made))


@pytest.fixture(scope="module")
def page(run: Run) -> html.HtmlElement:
    return html.fromstring(report.page(run))


def hostile(run: Run) -> Run:
    """Every word that is not the report's own is an attack."""
    first, *rest = run.tracks
    cases = tuple(
        replace(case, question=f"{case.question} {HOSTILE}", claims=((HOSTILE,),), intent=f"{case.intent} {HOSTILE}")
        for case in run.cases
    )
    answered = tuple(
        replace(one, text=HOSTILE, error=HOSTILE, citations=(Citation(n=1, source=HOSTILE, title=HOSTILE),))
        for one in run.answered
    )
    bad = replace(
        run,
        id=HOSTILE,
        questions=HOSTILE,
        assistant=HOSTILE,
        cases=cases,
        answered=answered,
        tracks=(*rest, first, Track(name=HOSTILE, model=HOSTILE, left_out=HOSTILE)),
        stakes={f"{name} {HOSTILE}" if name else name: stakes for name, stakes in run.stakes.items()},
        currency=HOSTILE,
        prices={HOSTILE: next(iter(run.prices.values()))},
        stopped=HOSTILE,
        made_with={HOSTILE: HOSTILE, f"source:{HOSTILE}": HOSTILE},
        left_with={HOSTILE: "other"},
        judges=(Judge(model=HOSTILE, why=HOSTILE),),
    )
    return replace(conclude(bad), checks=(Check(name=HOSTILE, ok=False, why=HOSTILE),))


def words(page: html.HtmlElement) -> str:
    return " ".join(page.text_content().split())


def test_it_needs_nothing_but_itself(run: Run, page: html.HtmlElement) -> None:
    assert page.xpath("//script | //link | //img | //iframe") == []
    assert all(link.startswith("#") for link in page.xpath("//@href"))
    assert not re.search(r"url\(|@import|https?://", report.page(run))


def test_it_begins_with_what_to_do_and_what_cannot_be_told(run: Run, page: html.HtmlElement) -> None:
    first = words(page.xpath("//div[starts-with(@class, 'lead')]")[0])
    switched = [one for one in run.decisions if one.verdict.kind in ("better", "cheaper", "forced")]
    assert f"Switch {len(switched)} of 4 intents" in first
    assert all(f"{one.intent}" in first for one in switched)
    assert "quality rises by" in first


def test_what_cannot_be_told_yet_says_how_many_questions_would() -> None:
    short = sample(3, intents=2, cases=30)
    page = html.fromstring(report.page(replace(short, checks=report.checks(short))))
    open_ = [one for one in short.decisions if one.verdict.kind == "cannot_tell"]
    assert open_
    assert f"{sum(one.verdict.more for one in open_)} more questions would tell" in words(page)


def test_where_the_difference_would_not_matter_no_more_questions_are_asked_for() -> None:
    run = sample(3, intents=1, cases=60)
    now = {one.case: one for one in run.answered if one.track == "rag"}
    twins = [*now.values(), *(replace(one, track="prompt") for one in now.values())]
    alike = conclude(replace(run, answered=tuple(twins), limits=Limits(banned=1.0)))
    assert [(one.verdict.kind, one.verdict.more) for one in alike.decisions] == [("cannot_tell", 0)]
    told = words(html.fromstring(report.page(alike)))
    assert "For returns it cannot be told which track is better, but nothing is better by 5 points" in told
    assert (
        "prompt may be better than rag, or not (0.0 to 0.0 points), but not by 5: more questions are not worth asking" in told
    )


def test_a_default_that_breaks_a_constraint_is_named_also_where_nothing_may_take_over_yet() -> None:
    short = sample(intents=1, cases=30)
    assert short.decisions[0].verdict.kind == "cannot_tell"
    told = words(html.fromstring(report.page(replace(short, checks=report.checks(short)))))
    assert "rag breaks a constraint: said what is forbidden in 1 of 30 answers. Too few questions to compare" in told


def test_what_it_took_to_build_a_track_is_told_where_it_is_known(run: Run) -> None:
    def built(some: Run) -> dict[str, list[str]]:
        rows = html.fromstring(report.page(some)).xpath("//tr[th[.='Index made in' or .='Trained in']]")
        return {row.xpath("th")[0].text_content(): [cell.text_content() for cell in row.xpath("td")] for row in rows}

    tracks = ("prompt", "rag", "tuned", "hybrid", "stronger")
    assert [*dict.fromkeys(one.track for one in run.answered)] == [*tracks]
    unknown = built(run)
    assert unknown["Index made in"] == ["–", "not recorded", "–", "not recorded", "not recorded"]
    assert unknown["Trained in"] == ["–", "–", "not recorded", "not recorded", "–"]
    prices = run.prices | {"small-1-tuned": replace(run.prices["small-1-tuned"], hours=1.75)}
    known = built(replace(run, indexed=312.0, prices=prices))
    assert known["Index made in"] == ["–", "5 min", "–", "5 min", "5 min"]
    assert known["Trained in"] == ["–", "–", "1.8 h", "1.8 h", "–"]


def test_every_intent_has_its_decision_its_picture_and_its_measures(run: Run, page: html.HtmlElement) -> None:
    sections = page.xpath("//section[@class='intent']")
    assert [section.xpath(".//h3")[0].text_content().split()[0] for section in sections] == [*run.intents]
    for section in sections:
        assert section.xpath(".//*[local-name()='svg' and @class='plot']")
        told = words(section)
        for what in ("Quality", "Citations", "Out of date", "Cost of 1,000 turns", "First word p50", "Whole p95", "Facts"):
            assert what in told


def test_a_broken_constraint_is_named_where_the_track_stands(page: html.HtmlElement) -> None:
    breaches = [words(one) for one in page.xpath("//*[@class='breach']")]
    assert "✗ said what is forbidden in 1 of 60 answers" in breaches


def test_pictures_say_what_they_show(page: html.HtmlElement) -> None:
    pictures = page.xpath("//*[local-name()='svg' and @role='img']")
    assert len(pictures) > 20
    for picture in pictures:
        assert picture.get("aria-label")
        assert picture.xpath("./*[local-name()='title']")[0].text == picture.get("aria-label")
    assert all(table.xpath("./caption") for table in page.xpath("//table"))


def test_tracks_differ_in_shape_and_not_in_colour_alone(page: html.HtmlElement) -> None:
    heads = page.xpath("(//table[@class='measures'])[1]//thead//*[local-name()='path']/@d")
    assert len({*heads}) == len(heads) == 5


def test_a_failed_check_stands_at_the_top_in_plain_words(run: Run) -> None:
    late = replace(run, behind=("12 passages have no vector yet",))
    page = html.fromstring(report.page(replace(late, checks=report.checks(late))))
    alarm = page.xpath("//div[@role='alert']")[0]
    assert "Do not act on this report: 1 check failed, so no routes are proposed" in words(alarm)
    assert "12 passages have no vector yet" in words(alarm)
    assert "if it could be believed" in words(page)


def test_what_cannot_be_known_is_said(run: Run) -> None:
    told = words(html.fromstring(report.page(replace(run, learned={}, prices={}))))
    assert "Nobody says what small-1-tuned learned from" in told
    assert "Nobody says what large-1, small-1 and small-1-tuned costs" in told
    assert "made up by a model" in told


def test_nothing_that_anybody_said_becomes_markup(run: Run) -> None:
    page = html.fromstring(report.page(hostile(run)))
    assert page.xpath("//script | //img | //b[text()='b']") == []
    assert page.xpath("//@*[starts-with(name(), 'on')]") == []
    assert words(page).count("<script>window.hit = 1</script>") > 20


@pytest.mark.parametrize("keep", [0, 1])
def test_a_run_that_came_to_nothing_still_has_a_page(run: Run, keep: int) -> None:
    bare = conclude(replace(run, answered=run.answered[:keep], stopped="the money was gone", left_with={}, made_with={}))
    assert "the money was gone" in report.page(replace(bare, checks=report.checks(bare)))
