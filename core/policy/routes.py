"""Routes as records: which tracks an intent takes, on what evidence, and how far a new version is rolled out.

A version never changes. The one in force is the newest; a rolled back one is followed by a copy of the version before it.
"""

from typing import Literal

from core.policy.canary import Limits, Pace
from core.policy.decision import Kind
from core.records import Record, Versioned


class Measured(Record, frozen=True):
    """What a track did on an intent's questions: means with the interval [`low`, `high`] where there is one. `cost` in money a
    turn, all-in; `seconds` to the whole answer, median and 95th percentile; `first` to the first token."""

    quality: float
    low: float
    high: float
    cases: int
    cost: float = 0.0
    first_p50: float = 0.0
    first_p95: float = 0.0
    seconds_p50: float = 0.0
    seconds_p95: float = 0.0
    stale: float = 0.0


class Evidence(Record, frozen=True):
    """What a route rests on: the verdict of one evaluation. Where it cannot be told which is better, about so many `more` cases
    would tell (0: none are worth asking, None: nobody said). `made_with` are the fingerprints of what was measured (documents,
    models, prompts, questions): where one has changed, the evidence no longer speaks for what runs."""

    run: str
    at: float
    kind: Kind
    default: str
    challenger: str
    cases: int
    difference: float
    low: float
    high: float
    why: str
    more: int | None = None
    tracks: dict[str, Measured] = {}
    made_with: dict[str, str] = {}


class Route(Record, frozen=True):
    """`tracks` in the order they are asked. Without `evidence` it is an opinion, for the reasons in `because`; past `expires`
    (Unix seconds, 0: never) it is to be measured again."""

    intent: str
    tracks: tuple[str, ...]
    evidence: Evidence | None = None
    expires: float = 0.0
    because: tuple[str, ...] = ()


class Routes(Versioned, frozen=True):
    """One version of all routes that differ from the assistant file's. `stage`: in `shadow` nobody's answers change, in
    `canary` those of the `share` of lanes, in `full` everybody's; the rest follow version `before` (0: the assistant file).
    `began` is the first version of its roll-out, and `log` where the stream LOG stood then. `sick`: the version that it takes
    back because a constraint was breached (0: none). `limits` and `pace` are those its roll-out began with: a test whose limits
    were moved while it runs would promise nothing."""

    number: int
    routes: tuple[Route, ...] = ()
    stage: Literal["shadow", "canary", "full"] = "full"
    share: float = 1.0
    before: int = 0
    began: int = 0
    log: int = 0
    sick: int = 0
    at: float = 0.0
    by: str = ""
    note: str = ""
    limits: Limits = Limits()
    pace: Pace = Pace()
