"""Answering or not: what risk one takes for how many answers, if only the questions the search is surest of are answered."""

from collections.abc import Sequence
from statistics import fmean

from retrieval.evaluation.asking import Asked

Point = tuple[float, float]


def curve(asked: Sequence[Asked]) -> list[Point]:
    """(coverage, risk): the share of all questions answered, and the share of those for which nothing right was found.
    Questions of the same score stand or fall together; those for which nothing came back are never answered."""
    answered = sorted((one for one in asked if one.returned), key=lambda one: one.score, reverse=True)
    points: list[Point] = []
    wrong = 0
    for number, one in enumerate(answered, 1):
        wrong += not one.right
        if number == len(answered) or answered[number].score < one.score:
            points.append((number / len(asked), wrong / number))
    return points


def area(points: Sequence[Point]) -> float:
    """The mean risk over the coverage reached; 0 is perfect."""
    if not points:
        return 0.0
    steps = zip([0.0, *(coverage for coverage, _ in points)], points, strict=False)
    return sum((coverage - before) * risk for before, (coverage, risk) in steps) / points[-1][0]


def best(asked: Sequence[Asked]) -> float:
    """The area nobody can go below: every right answer is surer than every wrong one."""
    answered = sorted((one for one in asked if one.returned), key=lambda one: not one.right)
    return fmean(sum(not one.right for one in answered[:n]) / n for n in range(1, len(answered) + 1)) if answered else 0.0
