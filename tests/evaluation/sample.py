"""A run as an evaluation leaves it, made up: whoever reads runs can try it without asking a model.

    from tests.evaluation.sample import sample
    run = sample(seed=1, intents=6, cases=120)

`python -m tests.evaluation.sample FOLDER` writes it as `run.json`, with the proposal `routes.json` beside it.

As in life, a hard question is hard for every track, and the questions of one conversation are alike, to all tracks and to each
in its own way: who compares without pairing, or counts questions where conversations should be counted, gets other intervals.
"""

import sys
from pathlib import Path
from statistics import NormalDist

import numpy as np

from core.evaluation.tracks.deciding import conclude, proposal
from core.evaluation.tracks.learned import of_question, of_talk
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
DEFAULTS = ("rag", "prompt", "stronger", "hybrid")
RISKS, CHANGES = ("low", "medium", "high"), ("years", "months", "days", "minutes")
ASKED = (
    "How long is the {thing} for {what}?",
    "I bought {what} last week, what about the {thing}?",
    "Is there a {thing} on {what}, and until when?",
    "What must I do about the {thing} of {what}?",
    "Does the {thing} of {what} hold in winter too?",
)
THINGS = ("a city bike", "an e-bike", "a child's seat", "the blue lock", "a used frame", "disc brakes", "a trailer")
PER_TALK = 5
# quality, median seconds, share of old values after a change, tokens read
TRACKS = {
    "prompt": (0.55, 1.2, 1.0, 150),
    "rag": (0.72, 1.9, 0.02, 1400),
    "tuned": (0.66, 0.7, 1.0, 150),
    "hybrid": (0.78, 1.6, 0.05, 1400),
    "stronger": (0.84, 4.1, 0.02, 1400),
}
MODELS = {"prompt": "small-1", "rag": "small-1", "tuned": "small-1-tuned", "hybrid": "small-1-tuned", "stronger": "large-1"}
PRICES = {
    "small-1": Price(prompt=0.8, completion=3.2),
    "small-1-tuned": Price(prompt=0.4, completion=1.6, training=20.0, turns=100_000),
    "large-1": Price(prompt=10.0, completion=40.0),
}
PRINTS = {"documents": "d41d8cd9", "models": "a1b2c3d4", "prompts": "11223344", "questions": "55667788"}
TALK, OWN_TALK, QUESTION = 0.3, 0.3, 0.15
"""How much of an answer's luck is its conversation's, its conversation's with this track, its question's; the rest is chance."""

_NORMAL = NormalDist()


def sample(seed: int = 0, *, intents: int = 6, cases: int = 120) -> Run:
    """So many intents of so many cases each, every track asked all of them; the first intent's default breaks a constraint."""
    dice = np.random.default_rng(seed)
    names = [NAMES[n % len(NAMES)] + ("" if n < len(NAMES) else str(n)) for n in range(intents)]
    stakes = {
        name: Stakes(route=tuple(dict.fromkeys((DEFAULTS[n % 4], "prompt"))), risk=RISKS[n % 3], volatility=CHANGES[n % 4])
        for n, name in enumerate(names)
    }
    asked = [_case(name, number) for name in names for number in range(cases)]
    luck = _luck(asked, dice)
    answered = [
        _answered(case, track, dice, luck=(luck[case.id, track], 0.2 * np.sin(3 * names.index(case.intent) + len(track))))
        for case in asked
        for track in TRACKS
    ]
    prints = PRINTS | {f"source:{name}.md": f"{n:08x}" for n, name in enumerate((*names, "terms"))}
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
        prices=PRICES,
        most=60.0,
        spent=sum(one.paid for one in answered),
        made_with=prints,
        left_with=prints,
        learned={"small-1-tuned": tuple(sorted({of_question("Where is your shop?"), of_talk("another-talk")}))},
        judges=(Judge(model="judge-1", labels=240, kappa=0.41, flips=0.18, why="κ 0.41, at least 0.60 is needed"),),
    )
    return conclude(run)


def _case(intent: str, number: int) -> Case:
    change = Change(source=f"{intent}.md", old="30 days", new="45 days") if number % 10 == 0 else None
    words = ASKED[number % len(ASKED)].format(thing=intent.replace("_", " "), what=THINGS[number % len(THINGS)])
    return Case(
        id=f"{intent}-{number}",
        question=f"{words} (order {1000 + number})",
        claims=((f"fact {number} of {intent}", f"{intent} fact {number}"),),
        sources=(f"{intent}.md",),
        intent=intent,
        change=change,
        kind="generated" if number % 6 == 5 else "log" if number % 2 else "written",
        group=f"{intent}-talk-{number // PER_TALK}",
    )


def _luck(cases: list[Case], dice: np.random.Generator) -> dict[tuple[str, str], float]:
    """Of each track on each case, normal."""
    talks = {case.group: float(dice.normal()) for case in cases}
    own = {(talk, track): float(dice.normal()) for talk in talks for track in TRACKS}
    chance = (1 - TALK - OWN_TALK - QUESTION) ** 0.5
    found = {}
    for case in cases:
        shared = TALK**0.5 * talks[case.group] + QUESTION**0.5 * float(dice.normal())
        for track in TRACKS:
            found[case.id, track] = shared + OWN_TALK**0.5 * own[case.group, track] + chance * float(dice.normal())
    return found


def _answered(case: Case, track: str, dice: np.random.Generator, *, luck: tuple[float, float]) -> Answered:
    good, seconds, old, read = TRACKS[track]
    right = _NORMAL.cdf(luck[0]) < np.clip(good + luck[1], 0.05, 0.97)
    cites = track in ("rag", "hybrid", "stronger")
    astray = cites and dice.random() < 0.03
    total = 1000 * seconds * float(np.exp(dice.normal(0, 0.35)))
    usage = Usage(prompt_tokens=int(read * np.exp(dice.normal(0, 0.2))), completion_tokens=int(dice.integers(40, 140)))
    cannot = track == "tuned" and dice.random() < 0.01
    price = PRICES[MODELS[track]]
    paid = (price.prompt * usage.prompt_tokens + price.completion * usage.completion_tokens) / 1e6
    source = "terms.md" if astray else case.sources[0]
    return Answered(
        case=case.id,
        track=track,
        outcome="cannot" if cannot else "answered",
        turn=f"{case.id}-{track}",
        intent=case.intent,
        served="none" if cannot else track,
        text="" if cannot else f"As we have it: {case.claims[0][0]}." if right else "Something else altogether.",
        citations=(Citation(n=1, source=source, title=source, quote="so it is"),) if cites else (),
        model=MODELS[track],
        usage=usage,
        cost=paid + (price.training / price.turns if price.turns else 0.0),
        paid=paid,
        first=total * 0.3,
        total=total,
        grades=Grades(
            claims=float(right and not cannot),
            support=0.95 if cites else None,
            citations=float(not astray) if cites else None,
            abstention=float(not cannot),
            language=1.0,
            banned=("guaranteed",) if track == "rag" and case.id == f"{NAMES[0]}-7" else (),
        ),
        stale=bool(dice.random() < old) if case.change else None,
        again="30 days" if case.change else "",
        error="the model did not answer" if cannot else "",
        at=1_772_366_500.0,
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    made = sample(cases=300)
    (folder / "run.json").write_bytes(encode(made))
    (folder / "routes.json").write_bytes(encode(proposal(made)))
