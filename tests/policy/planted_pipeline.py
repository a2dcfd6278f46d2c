"""A planted world behind a real provider: it is right as often as planted, by intent and track, costs and takes what is planted.

The questions are of an invented shop whose articles have codes that nobody can know but who is meant to.
"""

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.evaluation.tracks.keeping import Kept, newest
from core.evaluation.tracks.records import Case, Run
from tests.e2e.system import System
from tests.fakes.openai_server import Asked, OpenAIServer, Reply

MODELS = {"prompt": "small", "rag": "small", "tuned": "own", "stronger": "large"}
DELAYS = {"prompt": 0.01, "rag": 0.02, "tuned": 0.005, "stronger": 0.06}
PRICES = {"small": (100.0, 400.0), "own": (50.0, 200.0), "large": (1000.0, 4000.0)}

TRUTH: Mapping[str, Mapping[str, float]] = {
    "returns": {"prompt": 0.55, "rag": 0.80, "tuned": 0.50, "stronger": 0.66},
    "warranty": {"prompt": 0.60, "rag": 0.55, "tuned": 0.78, "stronger": 0.62},
    "prices": {"prompt": 0.75, "rag": 0.60, "tuned": 0.55, "stronger": 0.62},
    "rental": {"prompt": 0.50, "rag": 0.55, "tuned": 0.52, "stronger": 0.85},
    "tied": {"prompt": 0.70, "rag": 0.70, "tuned": 0.62, "stronger": 0.70},
}
"""The default is `prompt`: in `prices` it is the best, in `tied` nothing is better."""

BEST = {"returns": "rag", "warranty": "tuned", "prices": "prompt", "rental": "stronger", "tied": "prompt"}

FILE = """
[assistant]
name = "Planted"
default_route = ["prompt"]
clarify_below = 0
out_of_scope_below = 0
[models]
prompt = "small"
tuned = "own"
strong = "large"
max_tokens = 40
[knowledge]
paths = ["knowledge"]
dense = "off"
unsupported = "keep"
[measure]
cheaper = 0.95
"""


@dataclass
class Planted:
    """What the provider knows: the truth of one world, and how often it was asked of each track."""

    truth: Mapping[str, Mapping[str, float]]
    seed: int = 0
    asked: dict[str, int] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Reply:
        found = re.search(r"article (\d+) of (\w+)", asked.question)
        assert found, asked.question
        intent, track = found[2], self._track(asked)
        self.asked[track] = self.asked.get(track, 0) + 1
        right = self._luck(intent, found[1], track) < self.truth[intent][track]
        words = f"It is {code(intent, found[1])}." if right else "It is the usual one, as far as anybody knows."
        return Reply(words + (" [1]" if track in ("rag", "stronger") else ""), delay=DELAYS[track])

    def _track(self, asked: Asked) -> str:
        model = str(asked.body["model"])
        if model == "small":
            return "rag" if "<passages>" in asked.text else "prompt"
        return "tuned" if model == "own" else "stronger"

    def _luck(self, intent: str, number: str, track: str) -> float:
        """Half the questions are as hard for one track as for the others."""
        shared = random.Random(f"{self.seed}{intent}{number}")
        own = random.Random(f"{self.seed}{intent}{number}{track}")
        hard, alike = shared.random(), shared.random() < 0.5
        return hard if alike else own.random()


def code(intent: str, number: str) -> str:
    return f"{intent[:2].upper()}{int(number) * 37 % 9973:04}"


def cases(count: int, intents: Mapping[str, object] = TRUTH) -> list[Case]:
    return [
        Case(
            id=f"{intent}-{number}",
            question=f"What is the code of article {number} of {intent}?",
            claims=((code(intent, str(number)),),),
            intent=intent,
            group=f"{intent}-talk-{number // 2}",
        )
        for intent in intents
        for number in range(count)
    ]


def assistant_file(intents: Mapping[str, object] = TRUTH) -> str:
    prices = "".join(
        f"[models.prices.{name}]\nprompt = {read}\ncompletion = {written}\n" for name, (read, written) in PRICES.items()
    )
    told = "".join(f'[[intents]]\nname = "{name}"\nexamples = ["article of {name}", "{name} code"]\n' for name in intents)
    return FILE + prices + told


def found(run: Run) -> dict[str, tuple[str, str]]:
    """By intent: the verdict's kind and track."""
    return {decision.intent: (decision.verdict.kind, decision.verdict.track) for decision in run.decisions}


async def through_the_pipeline(folder: Path, count: int = 300) -> str:
    """`turnout up` and `turnout eval tracks` as processes; what was found, beside what was planted."""
    (folder / "knowledge").mkdir(parents=True)
    for intent in TRUTH:
        (folder / "knowledge" / f"{intent}.md").write_text(
            f"# The articles of {intent}\n\nEvery article of {intent} has a code.\n"
        )
    (folder / "assistant.toml").write_text(assistant_file())
    lines = "\n".join(json.dumps(_line(case)) for case in cases(count))
    (folder / "questions.jsonl").write_text(lines)
    async with OpenAIServer() as server:
        planted = Planted(TRUTH)
        server.otherwise(planted.answer)
        variables = {
            "TURNOUT_ASSISTANT": str(folder / "assistant.toml"),
            "OPENAI_BASE_URL": server.base_url,
            "OPENAI_API_KEY": "k",
        }
        async with System(folder / "system", variables).up() as system:
            tracks = [word for track in MODELS for word in ("--track", track)]
            await system.command("eval", "tracks", *tracks, "--parallel", "8")
            kept: Kept = next(newest(folder / "system" / "data"))
    run = kept.whole
    assert run is not None
    return "\n".join(_told(run, intent) for intent in TRUTH)


def _line(case: Case) -> dict[str, object]:
    return {
        "id": case.id,
        "question": case.question,
        "claims": [list(c) for c in case.claims],
        "intent": case.intent,
        "group": case.group,
    }


def _told(run: Run, intent: str) -> str:
    kind, track = found(run)[intent]
    sides = {side.track: side.figures["quality"] for side in run.sides if side.intent == intent}
    seen = ", ".join(f"{name} {figure.value:.2f} ({TRUTH[intent][name]:.2f})" for name, figure in sides.items())
    held = sum(figure.low <= TRUTH[intent][name] <= figure.high for name, figure in sides.items())
    right = "right" if track == BEST[intent] else "WRONG"
    return f"  {intent:9} planted {BEST[intent]:9} found {kind} {track}: {right}; measured (planted) {seen}; {held} of {len(sides)} intervals hold it"
