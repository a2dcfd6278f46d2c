"""A run is one file: whole after a round trip, and its decisions follow from its answers."""

import pytest
from msgspec.structs import replace

from core.evaluation.tracks.deciding import conclude, proposal
from core.evaluation.tracks.records import Grades, Run
from core.policy.routes import Routes
from core.records import decode, encode
from tests.evaluation.sample import sample


@pytest.fixture(scope="module")
def run() -> Run:
    return sample(cases=60)


def test_a_run_comes_back_from_its_file_as_it_was(run: Run) -> None:
    assert decode(Run, encode(run)) == run


def test_figures_and_decisions_follow_from_the_answers(run: Run) -> None:
    bare = replace(run, sides=(), decisions=())
    assert conclude(bare) == run


def test_every_track_of_every_intent_has_its_figures_with_intervals(run: Run) -> None:
    assert {(side.intent, side.track) for side in run.sides} == {
        (intent, track.name) for intent in run.intents for track in run.tracks if not track.left_out and not track.assumed
    }
    for side in run.sides:
        assert {"quality", "clean", "cost", "first_p50", "first_p95", "total_p50", "total_p95", "stale"} <= {*side.figures}
        assert all(figure.low <= figure.value <= figure.high for figure in side.figures.values())


def test_who_says_what_is_forbidden_is_out_whatever_it_scores(run: Run) -> None:
    first = run.decisions[[*run.intents].index("returns")]
    assert first.stakes.route[0] == "rag"
    assert first.verdict.kind == "forced", first.verdict
    assert "forbidden in 1 of 60" in first.verdict.why


def test_the_proposal_is_routes_with_their_evidence(run: Run) -> None:
    routes = decode(Routes, encode(proposal(run)))
    assert routes.number == 0
    assert {route.intent for route in routes.routes} == {*run.intents}
    for route in routes.routes:
        assert route.evidence is not None
        assert route.evidence.run == run.id
        assert route.evidence.tracks["rag"].quality > 0
        assert route.expires > run.ended
        sources = {name for name in route.evidence.made_with if name.startswith("source:")}
        assert sources == {f"source:{route.intent}.md", "source:terms.md"}, "what its cases name and its answers cite"


def test_everything_must_be_right_at_once() -> None:
    assert Grades(claims=0.5, format=1.0).quality == 0.5
    assert Grades(claims=1.0, format=0.0).quality == 0.0
    assert Grades(claims=1.0, banned=("never",)).quality == 0.0
    assert Grades(claims=1.0, citations=0.0).quality == 1.0
