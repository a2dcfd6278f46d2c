"""Worlds whose truth is planted: does the rule find what is there, and leave alone what is not?

`python -m tests.policy.planted [WORLDS]` runs the bars of the decision over so many simulated worlds, then one world through the
real pipeline: `turnout up`, a provider over HTTP that is right as often as planted, `turnout eval tracks`.
"""

import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.evaluation import intervals
from core.policy.decision import Score, Trial, decide
from tests.policy.planted_pipeline import through_the_pipeline

TRACKS = ("prompt", "rag", "tuned", "stronger")
GAP = (0.10, 0.25)


@dataclass(frozen=True)
class World:
    """`truth[intent][track]`: true quality; `tied` intents have no better track than the default."""

    trials: dict[str, Trial]
    truth: dict[str, dict[str, float]]
    tied: frozenset[str]

    def best(self, intent: str) -> str:
        return max(TRACKS, key=lambda track: self.truth[intent][track])


def world(seed: int, *, cases: int = 300, intents: int = 8, gap: tuple[float, float] = GAP, ties: float = 0.3) -> World:
    """In a share of `ties` a challenger is exactly as good as the default and the others are no better; in the rest one track,
    any of the four, is better than every other by `gap`. All cost and take the same. Half the questions are as hard for one track as for the others; two
    questions of three come in conversations of two."""
    dice = np.random.default_rng(seed)
    trials, truth, tied = {}, {}, set()
    for number in range(intents):
        intent = f"intent{number}"
        base = dice.uniform(0.45, 0.70)
        chances = {track: base - dice.uniform(0, 0.08) for track in TRACKS}
        if dice.random() < ties:
            tied.add(intent)
            chances["prompt"] = chances[str(dice.choice(TRACKS[1:]))] = base
        else:
            best = str(dice.choice(TRACKS))
            chances[best] = base + dice.uniform(*gap)
        truth[intent] = chances
        trials[intent] = Trial("low", "prompt", _scores(chances, cases, dice), staleness=0.0)
    return World(trials, truth, frozenset(tied))


def _scores(chances: dict[str, float], cases: int, dice: np.random.Generator) -> dict[str, list[Score]]:
    talks = [number // 2 if number % 3 else number + cases for number in range(cases)]
    hard = dice.random(cases)
    found = {}
    for track, chance in chances.items():
        luck = np.where(dice.random(cases) < 0.5, hard, dice.random(cases))
        found[track] = [
            Score(f"q{n}", float(luck[n] < chance), cost=0.002, seconds=1.0, cluster=f"talk{talks[n]}") for n in range(cases)
        ]
    return found


@dataclass
class Tally:
    """Counts over worlds: an intent each, but `routed` and the like, which are mean utilities, a world each."""

    gaps: int = 0
    found: int = 0
    ties: int = 0
    open_: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    intents: int = 0
    switched: int = 0
    harmful: int = 0
    routed: list[float] = field(default_factory=list)
    optimum: list[float] = field(default_factory=list)
    single: list[float] = field(default_factory=list)

    def count(self, drawn: World) -> None:
        verdicts = decide(drawn.trials)
        for intent, verdict in verdicts.items():
            gained = drawn.truth[intent][verdict.track] - drawn.truth[intent]["prompt"]
            self.intents += 1
            self.switched += verdict.track != "prompt"
            self.harmful += gained < -1e-9
            if intent in drawn.tied:
                self.ties += 1
                self.kinds[verdict.kind] += 1
                self.open_ += verdict.more > 0
            else:
                self.gaps += 1
                self.found += verdict.track == drawn.best(intent)
        self.routed.append(float(np.mean([drawn.truth[intent][verdict.track] for intent, verdict in verdicts.items()])))
        self.optimum.append(float(np.mean([drawn.truth[intent][drawn.best(intent)] for intent in verdicts])))
        self.single.append(max(float(np.mean([drawn.truth[intent][track] for intent in verdicts])) for track in TRACKS))

    @property
    def untold(self) -> float:
        """Of planted ties, the share of which it is said that it cannot be told."""
        return self.kinds["cannot_tell"] / max(1, self.ties)

    def __str__(self) -> str:
        below = min(routed - single for routed, single in zip(self.routed, self.single, strict=True))
        share = sum(self.routed) / sum(self.optimum)
        kinds = ", ".join(f"{kind} {number / max(1, self.ties):.1%}" for kind, number in self.kinds.most_common())
        return (
            f"{len(self.routed)} worlds, {self.intents} intents\n"
            f"  best track found where the gap is planted   {self.found / max(1, self.gaps):.1%} of {self.gaps}\n"
            f"  cannot tell, where a tie is planted         {self.untold:.1%} of {self.ties} ({kinds};"
            f" more cases would tell: {self.open_ / max(1, self.ties):.1%})\n"
            f"  switched to a worse track                   {self.harmful / self.intents:.2%} of intents\n"
            f"  routed utility                              {share:.2%} of the planted optimum\n"
            f"  worst world against its best single track   {100 * below:+.2f} points"
        )


def live(seeds: Iterable[int], **how: object) -> Tally:
    tally = Tally()
    for seed in seeds:
        tally.count(world(seed, **how))  # type: ignore[arg-type]
    return tally


def coverage(seeds: Iterable[int], *, cases: int, size: int = 2, chance: float = 0.75) -> float:
    """How often the 95 % interval of a quality holds the truth, with questions in conversations of `size` that share luck."""
    held = tried = 0
    for seed in seeds:
        dice = np.random.default_rng(seed)
        talks = np.arange(cases) // size
        shared = dice.random(talks.max() + 1)[talks]
        luck = np.where(dice.random(cases) < 0.5, shared, dice.random(cases))
        figure = intervals.mean((luck < chance).astype(float).tolist(), [str(talk) for talk in talks])
        held += figure.low <= chance <= figure.high
        tried += 1
    return held / tried


def main(worlds: int) -> None:
    print(live(range(worlds)), flush=True)
    print("\nexactly ten points, 300 cases:")
    print(live(range(worlds // 4), gap=(0.10, 0.1000001), ties=0.0))
    print("\n95 % intervals that hold the truth")
    for cases in (50, 100, 300):
        for chance in (0.55, 0.75, 0.9):
            share = coverage(range(max(1000, worlds)), cases=cases, chance=chance)
            print(f"  {cases:4} cases in conversations of two, true quality {chance:.2f}: {share:.1%}")

    print("\none world through the real pipeline")
    with tempfile.TemporaryDirectory(prefix="turnout-planted") as folder:
        print(asyncio.run(through_the_pipeline(Path(folder))))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
