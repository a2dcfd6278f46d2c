"""Runs are kept, found again and compared; the page shows them."""

import msgspec
import pytest

from core.evaluation import kept
from core.knowledge import Passage
from retrieval.evaluation import runs
from retrieval.evaluation.asking import Asked
from retrieval.evaluation.judging import judge
from retrieval.evaluation.page import page
from retrieval.evaluation.questions import Question


def run(right, *, name="q.jsonl", slices=("", ""), k=6):
    """Forty questions, each about a document of its own; `right` says of which the document is found."""
    asked = []
    for number in range(40):
        half = slices[number % 2]
        question = Question(question=f"<Question> {number}?", id=str(number), sources=(f"{number}.md",), slice=half)
        found = f"{number}.md" if right(number) else "other.md"
        shown = [Passage(id="p", source=found, title="T", text="x")]
        asked.append(Asked(question=question, ms=number, found=(found,), score=1, marks=judge(question, shown, shown)))
    return runs.make(name, asked, k=k, seed=0, searched=runs.Searched(documents=40))


def worse(before, now, tolerance=0.02):
    return {(change.slice, change.measure) for change in runs.compare(before, now, tolerance=tolerance) if change.worse}


def test_a_search_that_lost_half_its_answers_is_worse():
    assert ("all", "recall@6") in worse(run(lambda n: True), run(lambda n: n % 2 == 0))


def test_better_and_alike_are_not_worse():
    assert worse(run(lambda n: n % 2 == 0), run(lambda n: True)) == set()
    assert worse(run(lambda n: n % 3 > 0), run(lambda n: n % 3 > 0)) == set()


def test_one_question_of_forty_may_be_chance():
    assert worse(run(lambda n: True), run(lambda n: n > 0)) == set()


def test_as_many_won_as_lost_are_not_worse():
    assert worse(run(lambda n: n % 4 > 0), run(lambda n: n % 4 > 1 or n % 8 == 0)) == set()


def test_what_is_tolerated_is_no_regression():
    assert worse(run(lambda n: True), run(lambda n: n % 4 > 0), tolerance=0.5) == set()


def test_a_slice_that_fell_is_named_though_the_rest_rose():
    before = run(lambda n: n % 2 == 0, slices=("even", "odd"))
    now = run(lambda n: n % 2 == 1, slices=("even", "odd"))
    assert {name for name, _ in worse(before, now)} == {"slice: even"}


def test_another_k_and_other_questions_are_not_compared():
    assert runs.compare(run(lambda n: True, k=3), run(lambda n: False), tolerance=0) == []
    changed = run(lambda n: False)
    renamed = [
        msgspec.structs.replace(one, question=msgspec.structs.replace(one.question, question="?")) for one in changed.asked
    ]
    assert runs.compare(run(lambda n: True), msgspec.structs.replace(changed, asked=tuple(renamed)), tolerance=0) == []


def test_the_last_run_of_the_same_questions_is_found_again(tmp_path):
    assert kept.last(tmp_path, runs.Run, "q.jsonl") is None
    first, second = run(lambda n: True), run(lambda n: False)
    kept.keep(tmp_path, first)
    kept.keep(tmp_path, second)
    kept.keep(tmp_path, run(lambda n: True, name="other.jsonl"))
    (tmp_path / "99999999T000000-000.json").write_text("{")
    assert kept.last(tmp_path, runs.Run, "q.jsonl") == second


def test_every_figure_has_an_interval_around_it():
    for one in run(lambda n: n % 3 > 0, slices=("a", "b")).slices:
        for name, figure in one.figures.items():
            assert figure.low <= figure.value <= figure.high, name
            assert figure.n in (20, 40)


def test_the_page_stands_alone_and_nothing_said_becomes_markup():
    before, now = run(lambda n: True, slices=("<b>", "b")), run(lambda n: n % 2 == 0, slices=("<b>", "b"))
    shown = page(now, runs.compare(before, now, tolerance=0.02), before)
    assert "&lt;Question&gt; 1?" in shown
    assert "slice: &lt;b&gt;" in shown
    assert "class='worse'" in shown
    assert not any(mark in shown for mark in ("<b>:", "<Question>", "http://", "https://", "<script", "@import"))


@pytest.mark.parametrize("right", [lambda n: True, lambda n: False])
def test_a_page_can_be_made_of_any_run(right):
    assert "There is no earlier run" in page(run(right), [], None)
