"""How well the report's second count tells sound intervals from others: `python -m tests.evaluation.recounting [WORLDS]`.

Worlds of one intent and four tracks, whose conversations and questions share their luck as in `sample`. Each is judged three
times: as it is, with every question as a conversation of its own, and with the default's answers dealt to other conversations.
"""

import sys
from itertools import product
from statistics import NormalDist, median

import numpy as np

from core.evaluation import intervals
from core.evaluation.tracks.records import Case
from core.evaluation.tracks.report.recount import NARROW, WIDE, breadth
from core.policy.statistics import bootstrap
from tests.evaluation.sample import OWN_TALK, QUESTION, TALK

_cdf = np.vectorize(NormalDist().cdf)


def world(dice: np.random.Generator, talks: int, each: int, good: float) -> tuple[list[Case], np.ndarray]:
    """Cases, and right (1) or wrong (0) for each of four tracks."""
    number = np.repeat(np.arange(talks), each)
    luck = TALK**0.5 * dice.normal(size=talks)[number] + QUESTION**0.5 * dice.normal(size=len(number))
    own = OWN_TALK**0.5 * dice.normal(size=(4, talks))[:, number]
    own += (1 - TALK - OWN_TALK - QUESTION) ** 0.5 * dice.normal(size=(4, len(number)))
    cases = [Case(question="?", id=str(place), group=f"talk {talk}") for place, talk in enumerate(number)]
    return cases, (_cdf(luck + own) < np.clip(good + np.arange(4)[:, None] * 0.03, 0, 0.98)).astype(float)


def judged(cases: list[Case], marks: np.ndarray, *, alone: bool = False, unpaired: bool = False) -> tuple[float, float]:
    """How wide the intervals of figures, and of the difference of the first two tracks, are beside the recounted ones."""
    clusters = [case.id if alone else case.cluster for case in cases]
    figures = [intervals.mean(list(some), clusters) for some in marks]
    found = [
        ratio
        for some, one in zip(marks, figures, strict=True)
        if one.low > 0 and one.high < 1
        for ratio in breadth(list(some), cases, (one.low, one.high), level=intervals.LEVEL)
    ]
    other = np.roll(marks[0], len(cases) // 2) if unpaired else marks[0]
    ends = bootstrap(list(marks[1] - other), clusters, level=0.9)
    apart = [*breadth(list(marks[1] - marks[0]), cases, ends, level=0.9)]
    return (median(found) if found else 1.0), (apart[0] if apart else 1.0)


def caught(ratios: tuple[float, float]) -> bool:
    return any(not NARROW <= ratio <= WIDE for ratio in ratios)


def main(worlds: int) -> None:
    dice = np.random.default_rng(0)
    print(
        f"{'conversations of':>18} {'right':>6}  {'sound: alarms, range':>26}  {'clusters ignored':>17}  {'pairs dropped':>14}"
    )
    for (talks, each), good in product(((20, 1), (20, 2), (20, 5), (40, 5), (20, 10)), (0.3, 0.6, 0.85)):
        some = [world(dice, talks, each, good) for _ in range(worlds)]
        sound = [judged(*one) for one in some]
        flat = [ratio for pair in sound for ratio in pair]
        alone, unpaired = ([caught(judged(*one, **{how: True})) for one in some] for how in ("alone", "unpaired"))
        spread = f"{np.mean([*map(caught, sound)]):6.1%}, {min(flat):.2f} to {max(flat):.2f}"
        print(
            f"{talks:>10} × {each:>5} {good:>6.0%}  {spread:>26}  {np.mean(alone):>17.0%}  {np.mean(unpaired):>14.0%}",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
