"""A run as an evaluation leaves it, made up: whoever reads runs can try it without asking a model.

    from tests.evaluation.sample import sample
    run = sample(seed=1, intents=6, cases=120)

`python -m tests.evaluation.sample FOLDER` writes it as `run.json`, with the proposal `routes.json` beside it.
"""

import sys
from pathlib import Path

import numpy as np

from core.evaluation.tracks.deciding import conclude, proposal
from core.evaluation.tracks.records import (
    Answered,
    Case,
    Change,
    Grades,
    Judge,
    Limits,
    Price,
    Run,
    Stakes,
    Track,
)
from core.policy.decision import Rules, Weights
from core.records import Citation, Usage, encode

NAMES = ("returns", "warranty", "prices", "order_status", "brakes", "sizing", "rental", "complaints")
RISKS, CHANGES = ("low", "medium", "high"), ("years", "months", "days", "minutes")
# quality, cost a turn in cents, median seconds, share of old values after a change
TRACKS = {
    "prompt": (0.55, 0.08, 1.2, 1.0),
    "rag": (0.74, 0.16, 1.9, 0.02),
    "tuned": (0.66, 0.05, 0.7, 1.0),
    "hybrid": (0.77, 0.11, 1.6, 0.05),
    "stronger": (0.83, 1.9, 4.1, 0.02),
}
MODELS = {"prompt": "small-1", "rag": "small-1", "tuned": "small-1-tuned", "hybrid": "small-1-tuned", "stronger": "large-1"}


def sample(seed: int = 0, *, intents: int = 6, cases: int = 120) -> Run:
    """So many intents of so many cases each, every track asked all of them; the first intent's default breaks a constraint."""
    dice = np.random.default_rng(seed)
    names = [NAMES[n % len(NAMES)] + ("" if n < len(NAMES) else str(n)) for n in range(intents)]
    stakes = {
        name: Stakes(route=("prompt" if n % 2 else "rag", "prompt"), risk=RISKS[n % 3], volatility=CHANGES[n % 4])
        for n, name in enumerate(names)
    }
    asked = [_case(name, number) for name in names for number in range(cases)]
    answered = [_answered(case, track, dice, names.index(case.intent)) for case in asked for track in TRACKS]
    run = Run(
        id="20260301T120000-sample",
        questions="questions.jsonl",
        at=1_772_366_400.0,
        ended=1_772_368_000.0,
        assistant="Pedal & Path",
        cases=tuple(asked),
        tracks=(
            *(Track(name=name, model=MODELS[name]) for name in TRACKS),
            Track(name="template", left_out="no intent has words of its own"),
            Track(name="person", assumed=True),
        ),
        stakes={**stakes, "": Stakes(route=("rag", "prompt"))},
        answered=tuple(answered),
        rules=Rules(weights=Weights(cost=2.0, second=0.002, stale=0.5)),
        limits=Limits(cost=0.03, p95=12.0, citations=0.9),
        prices={"small-1": Price(prompt=0.4, completion=1.6), "large-1": Price(prompt=2.5, completion=10.0)},
        most=20.0,
        spent=round(sum(one.paid for one in answered), 4),
        made_with={"documents": "d41d8cd9", "models": "a1b2c3d4", "prompts": "11223344", "questions": "55667788"}
        | {f"source:{name}.md": f"{n:08x}" for n, name in enumerate(names)},
        left_with={"documents": "d41d8cd9", "models": "a1b2c3d4", "prompts": "11223344", "questions": "55667788"}
        | {f"source:{name}.md": f"{n:08x}" for n, name in enumerate(names)},
        judges=(Judge(model="judge-1", labels=240, kappa=0.41, flips=0.18, why="κ 0.41, at least 0.60 is needed"),),
    )
    return conclude(run)


def _case(intent: str, number: int) -> Case:
    change = Change(source=f"{intent}.md", old="30 days", new="45 days") if number % 10 == 0 else None
    return Case(
        id=f"{intent}-{number}",
        question=f"Question {number} on {intent}?",
        claims=((f"fact {number} of {intent}", f"{intent} fact {number}"),),
        sources=(f"{intent}.md",),
        intent=intent,
        change=change,
        kind="generated" if number % 6 == 5 else "log" if number % 2 else "written",
        group=f"{intent}-talk-{number // 2}",
    )


def _answered(case: Case, track: str, dice: np.random.Generator, number: int) -> Answered:
    good, cents, seconds, old = TRACKS[track]
    right = dice.random() < np.clip(good + 0.12 * np.sin(3 * number + len(track)), 0.05, 0.97)
    cites = track in ("rag", "hybrid", "stronger")
    total = 1000 * seconds * float(np.exp(dice.normal(0, 0.35)))
    banned = ("guaranteed",) if number == 0 and track == "rag" and case.id.endswith("-7") else ()
    cost = cents / 100 * float(np.exp(dice.normal(0, 0.2)))
    cannot = track == "tuned" and dice.random() < 0.01
    return Answered(
        case=case.id,
        track=track,
        outcome="cannot" if cannot else "answered",
        turn=f"{case.id}-{track}",
        intent=case.intent,
        served="none" if cannot else track,
        text="" if cannot else case.claims[0][0] if right else "Something else altogether.",
        citations=(Citation(n=1, source=case.sources[0], title=case.intent, quote="so it is"),) if cites else (),
        model=MODELS[track],
        usage=Usage(prompt_tokens=600 if cites else 150, completion_tokens=90),
        cost=cost,
        paid=cost,
        first=total * 0.3,
        total=total,
        grades=Grades(
            claims=float(right and not cannot),
            support=0.95 if cites else None,
            citations=float(dice.random() < 0.97) if cites else None,
            abstention=float(not cannot),
            language=1.0,
            banned=banned,
        ),
        stale=bool(dice.random() < old) if case.change else None,
        again="30 days" if case.change else "",
        error="the model did not answer" if cannot else "",
        at=1_772_366_500.0,
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    made = sample()
    (folder / "run.json").write_bytes(encode(made))
    (folder / "routes.json").write_bytes(encode(proposal(made)))
