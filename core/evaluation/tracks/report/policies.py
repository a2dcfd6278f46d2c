"""What all decisions come to: the routes as they are, as proposed, and one track for everything, on the same questions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from core.evaluation import intervals
from core.evaluation.intervals import Figure
from core.evaluation.tracks.deciding import NONE, STALENESS, in_force
from core.evaluation.tracks.figures import Groups, grouped
from core.evaluation.tracks.records import COULD_NOT, Answered, Case, Run
from core.policy.decision import Score

NOTHING = Figure(0.0, 0.0, 0.0, 0)
NOW, PROPOSED = "As it is now", "As proposed"


@dataclass(frozen=True, slots=True)
class Policy:
    """A track for each intent: how good it is, what a turn costs, how long the slowest in twenty take (ms), and what it is
    worth when all that is weighed. `stale` None: nothing was changed. `breaches`: intents on which it breaks a constraint. Not
    `routable`: its answers are from a file."""

    name: str
    quality: Figure
    cost: Figure
    late: Figure
    worth: Figure
    stale: Figure | None = None
    breaches: tuple[str, ...] = ()
    routable: bool = True


@dataclass(frozen=True, slots=True)
class Totals:
    """`gain`: what the proposed routes are worth more, `better` by how much their quality is higher. `left_out`: intents whose
    track in force was not asked, so that nothing is known of now."""

    now: Policy
    proposed: Policy
    single: tuple[Policy, ...]
    gain: Figure
    better: Figure
    questions: int
    left_out: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether nothing is to be switched."""
        return replace(self.proposed, name=NOW) == self.now

    @property
    def best_single(self) -> Policy | None:
        allowed = [policy for policy in self.single if not policy.breaches and policy.routable]
        return max(allowed, key=lambda policy: policy.worth.value, default=None)


@dataclass(frozen=True, slots=True)
class _Taken:
    """The answer that a policy would have given to a case; `worth` by the owner's weights, in points of quality."""

    intent: str
    case: Case
    one: Answered
    worth: float


Answers = Mapping[str, _Taken]


def totals(run: Run) -> Totals | None:
    """None where no track in force was asked."""
    groups = grouped(run.cases, run.answered)
    decided = {one.intent: one for one in run.decisions if one.intent != NONE}
    known = {intent: track for intent, one in decided.items() if groups.get((intent, track := in_force(run, one)))}
    now = _answers(run, groups, known)
    proposed = _answers(run, groups, {intent: decided[intent].verdict.track for intent in known})
    both = [case for case in now if case in proposed]
    if not both:
        return None
    now, proposed = _only(now, both), _only(proposed, both)
    return Totals(
        _policy(run, NOW, now),
        _policy(run, PROPOSED, proposed),
        tuple(_singles(run, groups, [*known], both)),
        _between(now, proposed, lambda taken: taken.worth),
        _between(now, proposed, lambda taken: taken.one.grades.quality),
        len(both),
        tuple(intent for intent in decided if intent not in known),
    )


def _singles(run: Run, groups: Groups, known: Sequence[str], both: Sequence[str]) -> Iterator[Policy]:
    """Every track that was asked all of it, taken for everything."""
    for track in run.tracks:
        answers = _answers(run, groups, dict.fromkeys(known, track.name))
        if all(case in answers for case in both):
            yield replace(_policy(run, track.name, _only(answers, both)), routable=not track.filed)


def _answers(run: Run, groups: Groups, routes: Mapping[str, str]) -> Answers:
    weights, volatility = run.rules.weights, {one.intent: one.stakes.volatility for one in run.decisions}

    def worth(intent: str, one: Answered) -> float:
        stale, seconds = float(bool(one.stale)), one.total / 1000
        score = Score(one.case, one.grades.quality, cost=one.cost, seconds=seconds, stale=stale)
        return weights.utility(score, STALENESS[volatility[intent]])

    return {
        case.id: _Taken(intent, case, one, worth(intent, one))
        for intent, track in routes.items()
        for case, one in groups.get((intent, track), ())
    }


def _only(answers: Answers, cases: Sequence[str]) -> Answers:
    return {case: answers[case] for case in cases}


def _policy(run: Run, name: str, answers: Answers) -> Policy:
    taken = [*answers.values()]
    clusters = [some.case.cluster for some in taken]
    whole = [some.one for some in taken if some.one.outcome not in COULD_NOT]
    stale = [(float(some.one.stale), some.case.cluster) for some in taken if some.one.stale is not None]
    routes = {(some.intent, some.one.track) for some in taken}
    return Policy(
        name,
        intervals.mean([some.one.grades.quality for some in taken], clusters),
        intervals.average([one.cost for one in whole]) if whole else NOTHING,
        intervals.quantile([one.total for one in whole], 0.95) if whole else NOTHING,
        intervals.difference([some.worth for some in taken], clusters),
        intervals.mean(*zip(*stale, strict=True)) if stale else None,
        tuple(side.intent for side in run.sides if side.breach and (side.intent, side.track) in routes),
    )


def _between(now: Answers, proposed: Answers, of: Callable[[_Taken], float]) -> Figure:
    clusters = [taken.case.cluster for taken in now.values()]
    return intervals.difference([of(proposed[case]) - of(now[case]) for case in now], clusters)
