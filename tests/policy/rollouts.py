"""Roll-outs whose truth is known: how often a healthy one is rolled back, and how soon a sick one.

`python -m tests.policy.rollouts [ROUNDS [STEP…]]`
"""

import sys
from dataclasses import dataclass, replace

import numpy as np

from core.policy.canary import Canary, Case, Pace

PACE = Pace(seconds=0)


@dataclass(frozen=True)
class Truth:
    """How canaries fare: chances of a turn, median seconds and tokens. The others have the default's."""

    unserved: float = 0.01
    passed_on: float = 0.03
    down: float = 0.2
    seconds: float = 1.5
    tokens: float = 800.0


OTHERS = Truth()
BARELY = Truth(unserved=0.025, passed_on=0.07, down=0.26, seconds=1.85, tokens=1000.0)
"""Worse in everything, but by less than is allowed."""
SICK = {
    "always fails": Truth(unserved=1.0, passed_on=1.0),
    "fails 20 % of the time": Truth(unserved=0.20, passed_on=0.22),
    "fails 10 % of the time": Truth(unserved=0.10, passed_on=0.12),
    "first track never serves": Truth(passed_on=1.0),
    "three times as slow": Truth(seconds=4.5),
    "twice as slow": Truth(seconds=3.0),
    "three times as many tokens": Truth(tokens=2400.0),
    "twice the thumbs down": Truth(down=0.4),
    "only thumbs down": Truth(down=0.95),
}


@dataclass(frozen=True)
class End:
    """`turns`: all turns until then; `canaries`: those that met the new route."""

    breach: str
    share: float
    turns: int
    canaries: int


def roll_out(seed: int, truth: Truth = OTHERS, *, pace: Pace = PACE, turns: int = 12_000, thumbs: float = 0.15) -> End:
    """Conversations of uneven length come and go; a conversation has its own luck. Ends when it is rolled back or everybody
    follows."""
    dice, share, canary, since, met = np.random.default_rng(seed), pace.steps[0], Canary(pace.steps[0]), 0, 0
    draws = dice.random(turns)
    lanes = [(f"{seed}:{n}", draws[n], dice.gamma(1.0)) for n in range(turns // 3)]
    open_lanes = list(dice.choice(len(lanes), 40, replace=False))
    for number in range(turns):
        if dice.random() < 0.3:
            open_lanes[dice.integers(len(open_lanes))] = dice.integers(len(lanes))
        name, draw, luck = lanes[open_lanes[dice.integers(len(open_lanes))]]
        mine = truth if (is_canary := bool(draw < share)) else OTHERS
        case = Case(
            f"{seed}-{number}",
            name,
            is_canary,
            at=number * 20.0,
            unserved=bool(dice.random() < min(1.0, mine.unserved * (0.5 + luck / 2))),
            passed_on=bool(dice.random() < mine.passed_on),
            seconds=mine.seconds * float(dice.lognormal(0, 0.6)),
            tokens=int(mine.tokens * dice.lognormal(0, 0.4)),
        )
        met += is_canary
        since += canary.see(case) and is_canary
        if dice.random() < thumbs:
            canary.thumb(name, case.id, down=bool(dice.random() < mine.down), at=case.at)
        if canary.breach:
            return End(canary.breach, share, number + 1, met)
        if since >= pace.turns and canary.worst < pace.calm:
            share, since = pace.after(share), 0
            canary.share = share
            if share == 1.0:
                return End("", 1.0, number + 1, met)
    return End("", share, turns, met)


def false_alarms(rounds: int, truth: Truth = OTHERS, *, pace: Pace = PACE) -> tuple[int, int]:
    """(rolled back, reached everybody) of healthy roll-outs."""
    ends = [roll_out(seed, truth, pace=pace) for seed in range(rounds)]
    return sum(bool(end.breach) for end in ends), sum(end.share == 1.0 for end in ends)


if __name__ == "__main__":
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    pace = replace(PACE, steps=tuple(map(float, sys.argv[2:])) or PACE.steps)
    wrong, through = false_alarms(rounds, pace=pace)
    print(f"healthy: {wrong} of {rounds} rolled back, {through} reached everybody", flush=True)
    wrong, through = false_alarms(rounds // 4, BARELY, pace=pace)
    print(f"worse, but by less than is allowed: {wrong} of {rounds // 4} rolled back, {through} reached everybody", flush=True)
    for name, truth in SICK.items():
        ends = [roll_out(seed, truth, pace=pace) for seed in range(rounds // 10)]
        caught = [end for end in ends if end.breach]
        median = f"after a median of {np.median([end.canaries for end in caught]):.0f} turns of canaries" if caught else ""
        print(f"{name}: {len(caught)} of {len(ends)} rolled back {median}", flush=True)
