"""The exact marks of an answer: what counts as said, and what does not."""

import pytest

from core.evaluation.judging.checks import Checks, keeps
from core.evaluation.judging.languages import language_of
from core.evaluation.judging.refusing import declines
from core.evaluation.judging.wording import banned, claimed, holds, says
from core.evaluation.tracks.records import Answered, Case, Format
from core.records import Citation


@pytest.mark.parametrize(
    ("text", "wording"),
    [
        ("You have **30 days** to return it.", "30 days"),
        ("You have thirty days.", "30 days"),
        ("It costs EUR 1,299.", "1.299,00 €"),
        ("We open on 5 March 2026.", "2026-03-05"),
        ("You may have ridden at most 20 km on it.", "no more than 20 km"),
        ("Helmets must be unworn, with the tags still on.", "unworn, tags still on"),
        ("Il est ouvert à 9:00.", "9:00"),
        ("The code is E04.", "E04"),
    ],
)
def test_what_is_said_counts_however_it_is_written(text: str, wording: str) -> None:
    assert says(text, wording)


@pytest.mark.parametrize(
    ("text", "wording"),
    [
        ("You have 14 days.", "30 days"),
        ("You have 130 days.", "30 days"),
        ("It costs 30 euros.", "30 days"),
        ("Returns are free. Helmets are sold unworn.", "free helmets"),
        ("A licence is not needed.", "a licence is needed"),
        ("It takes 20 minutes. The bike has a motor.", "ridden no more than 20 km"),
        ("", "30 days"),
    ],
)
def test_what_is_not_said_does_not(text: str, wording: str) -> None:
    assert not says(text, wording)


def test_a_fact_has_wordings_and_several_are_counted_each() -> None:
    claims = (("a month", "30 days"), ("unworn",))
    assert holds("Thirty days.", claims) == 0.5


@pytest.mark.parametrize(
    "text",
    [
        "This is GUARANTEED to work.",
        "We guarantee it.",
        "g u a r a n t e e",
        "g.u.a.r.a.n.t.e.e",
        "gu\u200barantee",
        "**Guarantee**s apply",
        "gu4r4nt33",
    ],
)
def test_a_forbidden_word_is_found_in_its_disguises(text: str) -> None:
    assert banned(text, ["guarantee"]) == ("guarantee",)


def test_a_forbidden_phrase_is_found_with_a_word_between_and_another_one_is_not() -> None:
    assert banned("You get your full money quickly back.", ["money back"])
    assert not banned("Money is paid. The bike comes back.", ["money back"])
    assert not banned("The grantee signs.", ["guarantee"])


def test_what_is_denied_is_not_claimed() -> None:
    assert claimed("Shipping is free of charge.", ["free of charge"])
    assert not claimed("Shipping is not free of charge.", ["free of charge"])


@pytest.mark.parametrize(
    "text",
    [
        "I found nothing about that.",
        "I don't know that, I am sorry.",
        "The documents do not mention this.",
        "Das weiß ich leider nicht.",
        "Lo siento, no tengo información.",
    ],
)
def test_a_refusal_is_one_in_any_words(text: str) -> None:
    assert declines(text, ["I found nothing about that."])


def test_an_answer_is_no_refusal() -> None:
    assert not declines("You have 30 days. Helmets must be unworn; I do not know of other rules.", ["I found nothing."])
    case = Case(question="How long?", claims=(("30 days",),))
    assert not Checks().declines("I cannot say it better than the page: you have 30 days.", case)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("You have 30 days and the bike must be in good order.", "en"),
        ("Sie haben 30 Tage und das Rad muss in gutem Zustand sein, nicht anders.", "de"),
        ("Tiene 30 días para devolver la bicicleta en la tienda.", "es"),
        ("您有三十天的时间退货。", "zh"),
        ("30", ""),
    ],
)
def test_a_language_is_told_by_its_little_words(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("wanted", "good", "bad"),
    [
        (Format(words=3), "Thirty days only", "You have thirty days"),
        (Format(pattern=r"^Dear"), "Dear Ann, yes", "Yes, Ann"),
        (
            Format(json={"days": "number", "free": "boolean"}),
            '```json\n{"days": 30, "free": true}\n```',
            '{"days": "30", "free": 1}',
        ),
        (Format(json={"a": "string"}), '{"a": "b"}', "no object"),
    ],
)
def test_an_answer_must_look_as_it_must(wanted: Format, good: str, bad: str) -> None:
    assert keeps(good, wanted, cited=False)
    assert not keeps(bad, wanted, cited=False)


def test_citations_must_be_there_be_allowed_and_hold_their_words() -> None:
    documents = {"k/returns.md": "You have **30 days** to send it back.", "k/old.md": "You have 14 days."}
    case = Case(question="How long?", claims=(("30 days",),), sources=("returns.md",), format=Format(cite=True))

    def marks(source: str, quote: str, text: str = "You have 30 days [1]."):
        one = Answered(
            case="c",
            track="rag",
            outcome="answered",
            text=text,
            citations=(Citation(n=1, source=source, title="", quote=quote),),
        )
        return Checks().grade(case, one, documents)

    good = marks("k/returns.md", "30 days")
    assert (good.citations, good.support, good.format, good.quality) == (1.0, 1.0, 1.0, 1.0)
    assert marks("k/old.md", "14 days").citations == 0.0
    assert marks("k/returns.md", "45 days").citations == 0.0
    assert marks("k/gone.md", "").citations == 0.0
    assert marks("k/returns.md", "30 days", "You have 45 days [1].").support == 0.0


def test_who_never_answered_has_claimed_nothing() -> None:
    case = Case(question="How long?", claims=(("30 days",),))
    assert Checks().grade(case, Answered(case="c", track="rag", outcome="failed"), {}).quality == 0.0
    nothing = Case(question="Who won?", answerable=False)
    assert Checks().grade(nothing, Answered(case="c", track="rag", outcome="cannot"), {}).quality == 0.0
    assert Checks().grade(nothing, Answered(case="c", track="rag", outcome="declined"), {}).quality == 1.0
