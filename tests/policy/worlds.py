"""Worlds whose truth is known: intents, tracks, and how often each really answers right."""

from dataclasses import dataclass

import numpy as np

from core.policy.decision import Score, Trial, Verdict, decide

TRACKS = ("prompt", "rag", "tuned", "hybrid")
BETTER = {"rag": 0.02, "tuned": -0.02, "hybrid": 0.02}


@dataclass(frozen=True)
class World:
    """`truth[intent][track]`: the chance that the track answers right."""

    trials: dict[str, Trial]
    truth: dict[str, dict[str, float]]

    def gained(self, intent: str, track: str) -> float:
        return self.truth[intent][track] - self.truth[intent]["prompt"]

    def highest_mean(self, intent: str) -> str:
        scores = self.trials[intent].scores
        return max(TRACKS, key=lambda track: (np.mean([score.quality for score in scores[track]]), track == "prompt"))


def world(seed: int, *, cases: int, intents: int = 30, risk: str = "low", spread: float = 0.06) -> World:
    """Tracks differ from intent to intent by `spread`; half the questions are as hard for one track as for the others."""
    dice, trials, truth = np.random.default_rng(seed), {}, {}
    for number in range(intents):
        base, intent = dice.uniform(0.55, 0.85), f"intent{number}"
        drawn = {track: base + (dice.normal(BETTER[track], spread) if spread else 0.0) for track in BETTER}
        chances = {"prompt": base} | {track: float(np.clip(chance, 0.05, 0.97)) for track, chance in drawn.items()}
        hard = dice.random(cases)
        scores = {}
        for track, chance in chances.items():
            luck = np.where(dice.random(cases) < 0.5, hard, dice.random(cases))
            scores[track] = [Score(f"q{place}", float(luck[place] < chance)) for place in range(cases)]
        trials[intent], truth[intent] = Trial(risk, "prompt", scores), chances
    return World(trials, truth)


@dataclass
class Tally:
    """Over many worlds, an intent: points gained, the most there were to gain, and how often a switch was for worse."""

    intents: int = 0
    gained: float = 0.0
    possible: float = 0.0
    switched: int = 0
    harmful: int = 0

    def count(self, world: World, intent: str, track: str) -> None:
        gain = world.gained(intent, track)
        self.intents += 1
        self.gained += 100 * gain
        self.possible += 100 * max(world.gained(intent, other) for other in TRACKS)
        self.switched += track != "prompt"
        self.harmful += track != "prompt" and gain <= 0

    def __str__(self) -> str:
        return (
            f"{self.gained / self.intents:.2f} of {self.possible / self.intents:.2f} points gained, "
            f"{self.switched / self.intents:.1%} of intents switched, {self.harmful / self.intents:.2%} for nothing or worse"
        )


def live(seeds: range, **how: object) -> tuple[Tally, Tally, list[Verdict]]:
    """(by our rule, by the highest mean, all verdicts)."""
    ours, naive, verdicts = Tally(), Tally(), []
    for seed in seeds:
        drawn = world(seed, **how)
        for intent, verdict in decide(drawn.trials).items():
            ours.count(drawn, intent, verdict.track)
            naive.count(drawn, intent, drawn.highest_mean(intent))
            verdicts.append(verdict)
    return ours, naive, verdicts


if __name__ == "__main__":
    for cases in (50, 100, 300):
        ours, naive, _ = live(range(100), cases=cases)
        print(f"{cases} cases an intent\n  by the rule:          {ours}\n  by the highest mean:  {naive}")
    ours, naive, _ = live(range(100), cases=300, risk="high")
    print(f"300 cases, high risk\n  by the rule:          {ours}\n  by the highest mean:  {naive}")
    ours, naive, _ = live(range(100), cases=100, spread=0.0)
    print(f"100 cases, no track better than another\n  by the rule:          {ours}\n  by the highest mean:  {naive}")
