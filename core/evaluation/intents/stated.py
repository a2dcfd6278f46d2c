"""A stated risk against what was measured: of the messages that were answered, how many got a wrong intent."""

from collections.abc import Iterator, Sequence

from core.dialog.routing import Router
from core.evaluation import intervals
from core.evaluation.intents.judged import Judged
from core.evaluation.intervals import Figure
from core.records import Record

WAYS = {True: "by words and meaning", False: "by words alone"}


class Stated(Record, frozen=True):
    """What is promised of messages that are read in one way (`meant`: by their meaning too): at most the share `risk` of those
    answered is wrong. `given`: the promise could be made. `told` says it in words."""

    meant: bool
    risk: float
    given: bool
    told: str


class Kept(Record, frozen=True):
    """What became of it: `wrong` of those answered, and a verdict for people."""

    stated: Stated
    wrong: Figure
    verdict: str


def stated(router: Router, *, meant: bool) -> tuple[Stated, ...]:
    """What a router promises, in each way it reads; nothing where no risk is stated."""
    ways = {True: router.promise, False: router.promise_by_words} if meant else {False: router.promise}
    return tuple(Stated(way, one.risk, one.threshold is not None, str(one)) for way, one in ways.items() if one)


def kept(promises: Sequence[Stated], judged: Sequence[Judged]) -> Iterator[Kept]:
    """Each promise against the answered messages that were read in its way; those it was made by are no evidence for it."""
    for one in promises:
        wrong = {
            seen.text: float(not seen.right) for seen in judged if seen.answered and not seen.known and seen.meant is one.meant
        }
        if wrong:
            figure = intervals.mean([*wrong.values()], [*wrong])
            yield Kept(one, figure, _verdict(one, figure))


def _verdict(one: Stated, wrong: Figure) -> str:
    if not one.given:
        return "nothing was promised"
    if wrong.low > one.risk:
        return "broken"
    return "kept" if wrong.value <= one.risk else "more than stated, which chance can explain"
