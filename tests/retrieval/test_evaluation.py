"""What an evaluation counts as right, and how sure it says it is."""

import math

import pytest

from core.evaluation import intervals
from core.knowledge import Passage, Tags
from retrieval.evaluation import abstention
from retrieval.evaluation.asking import Asked
from retrieval.evaluation.judging import fits, judge
from retrieval.evaluation.noise import KINDS
from retrieval.evaluation.questions import Question


def passage(source, text="", **tags):
    return Passage(id=f"{source}:{text}", source=source, title="T", text=text, tags=Tags(**tags))


def test_documents_count_at_their_first_passage_and_the_end_of_a_name_is_enough():
    question = Question(question="?", sources=("returns.md", "refunds.md"))
    ranking = [passage("knowledge/shop.md"), passage("knowledge/returns.md"), passage("knowledge/returns.md", "more")]
    marks = judge(question, ranking, [*ranking, passage("knowledge/refunds.md")])
    assert (marks.recall, marks.mrr, marks.rank) == (0.5, 0.5, 2)
    assert marks.precision == pytest.approx(2 / 3)
    first, second, third = 1, 1 / math.log2(3), 1 / 2
    assert marks.ndcg == pytest.approx((second + third) / (first + second))


def test_a_name_that_only_ends_alike_is_another_document():
    question = Question(question="?", sources=("returns.md",))
    assert judge(question, [passage("old-returns.md")], [passage("old-returns.md")]).recall == 0


def test_quoted_words_must_stand_in_a_passage_of_the_right_document():
    question = Question(question="?", sources=("a.md",), quotes=("30 days", "in its box"))
    shown = [passage("a.md", "You have **30\ndays**."), passage("b.md", "in its box")]
    marks = judge(question, shown, shown)
    assert (marks.recall, marks.precision, marks.mrr) == (0.5, 0.5, 1.0)


def test_without_documents_the_order_is_that_of_passages():
    question = Question(question="?", quotes=("30 days",))
    shown = [passage("a.md", "no"), passage("a.md", "30 days")]
    assert judge(question, shown, shown).rank == 2


def test_nothing_found_is_worth_nothing():
    marks = judge(Question(question="?", sources=("a.md",)), [], [])
    assert (marks.recall, marks.ndcg, marks.mrr, marks.precision) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("tags", "fit"),
    [
        ({}, True),
        ({"version": "2"}, True),
        ({"version": "1"}, False),
        ({"product": "other"}, False),
        ({"audience": ("staff",)}, True),
        ({"audience": ("board",)}, False),
    ],
)
def test_a_passage_fits_what_the_asker_asked_for_and_may_read(tags, fit):
    question = Question(question="?", product="bike", version="2", audience=("staff",))
    assert fits(question, passage("a.md", **tags)) is fit


@pytest.mark.parametrize("name", KINDS)
def test_noise_is_the_same_for_a_seed_and_changes_the_question(name):
    question = Question(question="How long do I have to return a bicycle?", id="q1", sources=("a.md",))
    spoiled = KINDS[name](question, 7)
    assert spoiled == KINDS[name](question, 7)
    assert spoiled.question != question.question
    assert (spoiled.id, spoiled.sources) == (question.id, question.sources)


def test_no_noise_breaks_on_short_words():
    for text in ("a", "is it?", "退货", "E04"):
        for spoil in KINDS.values():
            assert spoil(Question(question=text, id="x", sources=("a.md",)), 0).question


def test_questions_about_one_document_count_as_one_when_an_interval_is_made():
    marks = [1.0, 0.0] * 20
    apart = intervals.mean(marks, [str(number) for number in range(40)])
    together = intervals.mean(marks, [str(number % 4) for number in range(40)])
    assert apart.value == together.value == 0.5
    assert together.high - together.low > 1.5 * (apart.high - apart.low)


def test_ten_of_ten_right_is_no_proof_that_all_are():
    figure = intervals.mean([1.0] * 10, [str(number) for number in range(10)])
    assert (figure.value, figure.high) == (1.0, 1.0)
    assert figure.low == pytest.approx(0.025 ** (1 / 10))


def test_one_document_says_nothing_about_a_difference():
    assert intervals.difference([0.1, 0.2], ["a", "a"]).low == -math.inf


def test_the_smaller_a_difference_the_more_questions_it_takes():
    names = [str(number) for number in range(50)]
    small, large = [0.02, -0.1, 0.1, 0.0, 0.03] * 10, [0.2, 0.1, 0.3, 0.0, 0.25] * 10
    assert intervals.needed(small, names) > intervals.needed(large, names)
    assert intervals.needed([0.0] * 50, names) == 0


def asked(score, *, right, returned=True):
    question = Question(question="?", id=str(score), sources=("a.md",))
    shown = [passage("a.md" if right else "b.md")]
    return Asked(question=question, ms=1, found=("a.md",) if returned else (), score=score, marks=judge(question, shown, shown))


def test_risk_grows_with_coverage_where_scores_tell_right_from_wrong():
    some = [asked(0.9, right=True), asked(0.8, right=True), asked(0.3, right=False), asked(0, right=False, returned=False)]
    assert abstention.curve(some) == [(0.25, 0.0), (0.5, 0.0), (0.75, 1 / 3)]
    assert abstention.area(abstention.curve(some)) == pytest.approx(abstention.best(some))


def test_questions_of_one_score_stand_or_fall_together():
    assert abstention.curve([asked(0.5, right=True), asked(0.5, right=False)]) == [(1.0, 0.5)]
