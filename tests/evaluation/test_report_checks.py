"""A run that is not to be believed says so: each fault, planted in a sound run, is found by the report's own checks."""

import dataclasses

import numpy as np
import pytest
from msgspec.structs import replace

from core.evaluation.tracks import report
from core.evaluation.tracks.deciding import conclude
from core.evaluation.tracks.learned import of_question, of_talk
from core.evaluation.tracks.records import Answered, Format, Grades, Run
from core.records import Citation
from tests.evaluation.sample import sample

SWITCHED = {"prompt": "rag", "rag": "prompt"}


@pytest.fixture(scope="module")
def run() -> Run:
    return sample(intents=2, cases=100)


def found(run: Run) -> dict[str, str]:
    """What is wrong, by the sentence that is not true."""
    return {check.name: check.why for check in report.checks(run) if not check.ok}


def changed(run: Run, **by) -> Run:
    """With other answers: each field as a function of the answer makes it."""
    return replace(run, answered=tuple(replace(one, **{name: make(one) for name, make in by.items()}) for one in run.answered))


def test_a_sound_run_passes(run: Run) -> None:
    assert found(run) == {}
    assert report.failed(replace(run, checks=report.checks(run))) == ()


@pytest.mark.parametrize("seed", range(1, 13))
def test_sound_runs_pass_whatever_the_dice_say(seed: int) -> None:
    intents, cases = (1, 2)[seed % 2], (10, 40, 75)[seed % 3]
    assert found(sample(seed, intents=intents, cases=cases)) == {}


def test_a_question_of_the_test_that_was_trained_on(run: Run) -> None:
    leaked = run.cases[3]
    prints = (*run.learned["small-1-tuned"], of_question(leaked.question.upper()))
    why = found(replace(run, learned={"small-1-tuned": prints}))
    assert [*why] == ["No model was trained on what it was tested with"]
    assert leaked.id in why["No model was trained on what it was tested with"]


def test_a_conversation_of_the_test_that_was_trained_on(run: Run) -> None:
    why = found(replace(run, learned={"small-1-tuned": (of_talk(run.cases[0].group),)}))
    assert "5 questions" in why["No model was trained on what it was tested with"]


def test_tracks_that_were_swapped_in_the_record(run: Run) -> None:
    why = found(changed(run, track=lambda one: SWITCHED.get(one.track, one.track)))
    assert "asked of rag: the log says that prompt answered" in why["Each answer is of the track that was asked"]


def test_tracks_that_were_swapped_before_they_answered_show_by_their_citations(run: Run) -> None:
    def other(one: Answered) -> str:
        return SWITCHED.get(one.track, one.track)

    why = found(changed(run, track=other, served=lambda one: SWITCHED.get(one.served, one.served)))
    assert "it cites documents, and is given none" in why["Each answer is of the track that was asked"]


def test_a_model_that_was_swapped(run: Run) -> None:
    why = found(changed(run, model=lambda one: "small-1" if one.track == "stronger" else one.model))
    assert "the model was small-1, and it has large-1" in why["Each answer is of the track that was asked"]


def test_a_track_with_documents_that_never_cites_one(run: Run) -> None:
    why = found(changed(run, citations=lambda one: () if one.track == "hybrid" else one.citations))
    assert "hybrid is given documents, and cites none" in why["Each answer is of the track that was asked"]


def test_one_turn_that_stands_for_two_answers(run: Run) -> None:
    why = found(changed(run, turn=lambda one: "the-same" if one.track == "rag" else one.turn))
    assert "one turn of the log" in why["Each answer is of the track that was asked"]


def test_questions_that_only_some_tracks_were_asked(run: Run) -> None:
    missing = tuple(one for one in run.answered if not (one.track == "tuned" and one.case.endswith("4")))
    why = found(replace(run, answered=missing))
    assert "20 questions" in why["Every track was asked the same questions"]


def test_a_run_that_stopped_early_may_lack_some_and_no_more(run: Run) -> None:
    short = replace(run, answered=run.answered[:-3], stopped="the money was gone")
    assert "Every track was asked the same questions" not in found(short)
    half = tuple(one for one in run.answered if one.track != "tuned" or one.case[-1] in "01")
    assert "Every track was asked the same questions" in found(replace(run, answered=half, stopped="gone"))


def test_pairing_that_was_dropped(run: Run) -> None:
    """The default's answers are taken for those to another conversation: the means stay, the intervals grow."""
    talks = np.random.default_rng(0).permutation(20)

    def elsewhere(one: Answered) -> str:
        number = int(one.case.rpartition("-")[2])
        default = one.track == {"returns": "rag", "warranty": "prompt"}[one.intent]
        return f"{one.intent}-{talks[number // 5] * 5 + number % 5}" if default else one.case

    unpaired = conclude(changed(run, case=elsewhere))
    why = found(replace(run, decisions=unpaired.decisions))
    assert "times as wide as pairs" in why["Tracks are compared question by question"]
    assert "Figures and decisions follow from the answers" in why


def test_a_difference_of_other_questions_than_both_were_asked(run: Run) -> None:
    fewer = tuple(one for one in run.answered if one.track != "rag" or one.case[-1] != "3")
    other = conclude(replace(run, answered=fewer))
    assert "Tracks are compared question by question" in found(replace(run, decisions=other.decisions))


def test_clusters_that_were_ignored(run: Run) -> None:
    alone = tuple(replace(case, group=case.id) for case in run.cases)
    naive = conclude(replace(run, cases=alone))
    why = found(replace(run, sides=naive.sides, decisions=naive.decisions))
    assert "times as wide as conversations" in why["Questions of one conversation count as one piece of evidence"]
    assert "Figures and decisions follow from the answers" in why


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ({"left_with": {"documents": "other"}}, "changed while"),
        ({"left_with": {"source:returns.md": "other"}}, "returns.md"),
        ({"behind": ("12 passages have no vector yet",)}, "12 passages have no vector yet"),
    ],
)
def test_an_index_that_was_not_that_of_the_documents(run: Run, after: dict, told: str) -> None:
    after = {name: run.left_with | part if isinstance(part, dict) else part for name, part in after.items()}
    assert told in found(replace(run, **after))["The index was up to date"]


def test_nobody_who_looked_at_the_end(run: Run) -> None:
    assert {"The index was up to date", "Nothing was changed meanwhile"} == {*found(replace(run, left_with={}))}


def test_a_document_that_the_index_did_not_hold(run: Run) -> None:
    without = {name: value for name, value in run.made_with.items() if name != "source:returns.md"}
    assert "returns.md" in found(replace(run, made_with=without, left_with=without))["The index was up to date"]
    elsewhere = (Citation(n=1, source="gone.md", title="Gone"),)
    why = found(changed(run, citations=lambda one: elsewhere if one.citations else ()))
    assert "gone.md" in why["The index was up to date"]


def test_a_document_that_a_large_library_did_not_hold(run: Run) -> None:
    held = {f"source:{number}.md": "print" for number in range(1500)}
    assert "returns.md" in found(replace(run, made_with=held, left_with=held))["The index was up to date"]


def test_quotes_that_stand_in_no_document(run: Run) -> None:
    why = found(changed(run, grades=lambda one: replace(one.grades, citations=0.0) if one.citations else one.grades))
    assert "quote what the document they cite does not say" in why["The index was up to date"]


def test_an_index_that_does_not_follow_its_documents(run: Run) -> None:
    why = found(changed(run, stale=lambda one: one.stale if one.stale is None else True))
    assert "rag and stronger said the old value after 40 of 40 changes" in why["The index was up to date"]


def test_a_model_or_prompt_that_became_another(run: Run) -> None:
    why = found(replace(run, left_with=run.left_with | {"models": "other", "prompts": "other"}))
    assert why == {"Nothing was changed meanwhile": "models and prompts became other ones while it was measured"}


def test_figures_that_do_not_follow_from_the_answers(run: Run) -> None:
    side = run.sides[0]
    better = replace(side, figures=side.figures | {"quality": dataclasses.replace(side.figures["quality"], value=0.99)})
    why = found(replace(run, sides=(better, *run.sides[1:])))
    assert "hybrid of returns" in why["Figures and decisions follow from the answers"]


def test_a_decision_that_the_rule_did_not_make(run: Run) -> None:
    first, *rest = run.decisions
    bent = replace(first, verdict=dataclasses.replace(first.verdict, kind="keep", track="rag"))
    assert "returns" in found(replace(run, decisions=(bent, *rest)))["Figures and decisions follow from the answers"]


def test_marks_that_are_not_what_the_words_make(run: Run) -> None:
    """Also where figures and decisions were made of them: nothing but the words tells."""

    def kinder(one: Answered) -> Grades:
        return replace(one.grades, claims=1.0) if one.track == "tuned" else one.grades

    why = found(conclude(changed(run, grades=kinder)))
    assert [*why] == ["Marks follow from the words of the answers"]
    silent = tuple(replace(case, forbidden=("As we have it",)) for case in run.cases)
    assert "Marks follow from the words of the answers" in found(replace(run, cases=silent))
    formal = tuple(replace(case, format=Format(pattern="^Dear")) for case in run.cases)
    assert "Marks follow from the words of the answers" in found(replace(run, cases=formal))


def test_marks_that_were_changed_afterwards(run: Run) -> None:
    why = found(changed(run, grades=lambda one: replace(one.grades, claims=1.0) if one.track == "tuned" else one.grades))
    assert "tuned of returns" in why["Figures and decisions follow from the answers"]


def test_a_question_that_stands_twice(run: Run) -> None:
    again = replace(run.cases[0], id="again", question=run.cases[0].question.upper())
    answered = tuple(replace(one, case="again", turn=f"again {one.turn}") for one in run.answered[:5])
    why = found(replace(run, cases=(*run.cases, again), answered=(*run.answered, *answered)))
    assert "again" in why["No question stands twice"]


def test_an_answer_that_stands_twice_or_to_no_question(run: Run) -> None:
    assert "No question stands twice" in found(replace(run, answered=(*run.answered, run.answered[0])))
    stray = replace(run.answered[0], case="nowhere")
    why = found(replace(run, answered=(*run.answered, stray)))
    assert "nowhere" in why["No question stands twice"]


@pytest.mark.parametrize(
    ("bent", "told"),
    [
        (lambda run: replace(run, spent=run.spent / 2), "are said to be spent"),
        (lambda run: replace(run, most=run.spent / 2), "were allowed"),
        (lambda run: changed(run, cost=lambda one: one.cost / 2), "not what tokens and prices make"),
    ],
)
def test_money_that_does_not_add_up(run: Run, bent, told: str) -> None:
    assert told in found(bent(run))["The money adds up"]
