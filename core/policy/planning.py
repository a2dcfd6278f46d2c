"""How many questions a decision will take, said before anybody asks them."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.policy.decision import DEFAULT, Risk, Rules
from core.policy.statistics import cases_needed

DISAGREE = 0.3  # the share of questions on which one of two tracks is right and the other wrong, where nothing is measured yet


@dataclass(frozen=True, slots=True)
class Need:
    """What an intent takes: real `cases` for a difference of `points` (in hundredths), at the error rate its risk allows."""

    intent: str
    points: int
    cases: int


def needs(risks: Mapping[str, Risk], points: int, rules: Rules = DEFAULT, *, tracks: int = 2) -> list[Need]:
    """For each intent how many cases show a difference of so many points between its default and one other of its tracks.
    High-risk intents share one error rate, so each one's is the smaller the more there are (Holm's first step); the others
    borrow strength from each other when they are decided, so this is the most they take."""
    high = max(1, sum(risk == "high" for risk in risks.values()) * (tracks - 1))
    effect = points / 100
    deviation = (max(DISAGREE, effect) - effect**2) ** 0.5

    def cases(risk: Risk) -> int:
        alpha = rules.alpha / high if risk == "high" else rules.alpha
        return max(rules.cases, cases_needed(effect, deviation=deviation, alpha=alpha))

    return [Need(intent, points, cases(risk)) for intent, risk in risks.items()]
