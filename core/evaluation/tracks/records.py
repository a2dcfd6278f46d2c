"""The records of a run: cases, answers with their marks, figures, and the whole that is kept as `run.json`.

A run joins every case with every track. Nothing is said twice: an answer names its case, and a case knows its intent and what
it shares chance with. Money is in `Run.currency`, durations are milliseconds, times Unix seconds, marks lie in [0, 1].
"""

from typing import Literal

from core.evaluation.intervals import Figure
from core.policy.decision import Risk, Rules, Verdict
from core.records import Citation, Record, Usage, Versioned

Volatility = Literal["minutes", "days", "months", "years"]

COULD_NOT = ("cannot", "failed")
"""Outcomes that are no answer."""


JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


class Format(Record, frozen=True):
    """How an answer must look: a regular expression that stands in it (`pattern`), a JSON object whose members are of the types
    named in `json` (one of JSON_TYPES), at most `words` words, at least one citation."""

    pattern: str = ""
    json: dict[str, str] = {}
    words: int = 0
    cite: bool = False

    @property
    def told(self) -> bool:
        return bool(self.pattern or self.json or self.words or self.cite)


class Change(Record, frozen=True):
    """A change of the world, to see who notices: in document `source` the words `old` become `new`. Then the question is asked
    again; whoever still says `stale` (unset: `old`) is out of date, whoever says `fresh` (unset: `new`) is not."""

    source: str
    old: str
    new: str
    stale: str = ""
    fresh: str = ""


class Case(Record, frozen=True):
    """One question, and what a right answer is. `before`: what the same person said before it, oldest first.

    `claims`: the facts that an answer must hold, each as the wordings that are as good as one another. `forbidden`: what it
    must not say. `sources`: the documents it may cite, by the end of their names; none named: any. Not `answerable`: the right
    answer is that there is none. `out_of_scope`: of no intent, whatever the router says. `intent`, `risk`, `volatility` "": as
    the router and the assistant file say. `kind`: people wrote it for this, a model made it up, or it is from the log. `group`:
    the conversation it is from. `audience`: to whom the asker belongs, by the names of [[audiences]]; none: to none."""

    question: str
    id: str = ""
    before: tuple[str, ...] = ()
    claims: tuple[tuple[str, ...], ...] = ()
    forbidden: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    intent: str = ""
    language: str = ""
    risk: Risk | Literal[""] = ""
    volatility: Volatility | Literal[""] = ""
    format: Format = Format()
    change: Change | None = None
    answerable: bool = True
    out_of_scope: bool = False
    kind: Literal["written", "generated", "log"] = "written"
    group: str = ""
    audience: tuple[str, ...] = ()

    @property
    def cluster(self) -> str:
        """What it shares chance with: its conversation, else the first document that answers it."""
        return self.group or (self.sources[0] if self.sources else self.id)

    @property
    def real(self) -> bool:
        return self.kind != "generated"


class Grades(Record, frozen=True):
    """The marks of one answer; None: does not apply. `claims`: the share of the case's facts that it holds. `support`: of what
    it states, the share that its sources bear out. `citations`: of its citations, the share that resolve, are allowed and hold
    the words quoted. `format`, `language`, `abstention` (answered what has an answer, declined what has none): 1 or 0.
    `banned`: forbidden words found. `matched`, `judged`: claims as vectors, and as a model judge, see them; `by`: what
    decided `claims`."""

    claims: float | None = None
    support: float | None = None
    citations: float | None = None
    format: float | None = None
    language: float | None = None
    abstention: float | None = None
    banned: tuple[str, ...] = ()
    matched: float | None = None
    judged: float | None = None
    by: Literal["text", "embeddings", "judge"] = "text"

    @property
    def clean(self) -> float:
        return float(not self.banned)

    @property
    def quality(self) -> float:
        """All at once: the product of claims, format, language, abstention and being clean. Support and citations stand beside
        it, for hard constraints: a track without documents cannot cite, and may still be right."""
        quality = self.clean
        for mark in (self.claims, self.format, self.language, self.abstention):
            quality *= 1.0 if mark is None else mark
        return quality


class Opinion(Record, frozen=True):
    """What a model judge said once: whether the answer states a claim (by its place in the case), when it saw the `fact` or the
    answer first. `yes` None: neither yes nor no."""

    judge: str
    claim: int
    fact_first: bool
    yes: bool | None


class Answered(Record, frozen=True):
    """One case asked of one `track`. `outcome`: answered; `declined`, the track says it does not know; `cannot`, it could not
    serve; `failed`, nothing came. `served`: the track that the log says answered, `turn` its id there. `cost`: of such a turn,
    all-in; `paid`: what asking it here added to the bill. `first` and `total`: to the first token and to the whole answer.
    `stale`: whether it said the old value after a change, and `fresh` the new one, None where nothing was changed; `again`:
    what it said then. `opinions` of a judge, each kept as it came."""

    case: str
    track: str
    outcome: Literal["answered", "declined", "cannot", "failed"]
    turn: str = ""
    intent: str = ""
    served: str = ""
    text: str = ""
    citations: tuple[Citation, ...] = ()
    model: str = ""
    usage: Usage = Usage()
    cost: float = 0.0
    paid: float = 0.0
    first: float = 0.0
    total: float = 0.0
    grades: Grades = Grades()
    stale: bool | None = None
    fresh: bool | None = None
    again: str = ""
    opinions: tuple[Opinion, ...] = ()
    error: str = ""
    at: float = 0.0


class Side(Record, frozen=True):
    """What a track did on an intent's cases. `figures` by name, with their 95 % intervals, those that apply: `quality`, the
    marks `claims` `support` `citations` `format` `language` `abstention` `clean`, `stale` (a share), `cost` (a turn),
    `first_p50` `first_p95` `total_p50` `total_p95` (ms), `served` (the share of cases it could answer at all)."""

    intent: str
    track: str
    figures: dict[str, Figure]
    breach: str = ""


class Track(Record, frozen=True):
    """A track as it stood: the model behind it, "" for none; why it was left out, "" where it was asked. `assumed`: nothing was
    measured, it is what the owner says it costs and takes. `filed`: it was not asked, its answers are from a file with this
    fingerprint; a `minute` of whoever gave them costs so much."""

    name: str
    model: str = ""
    left_out: str = ""
    assumed: bool = False
    filed: str = ""
    minute: float = 0.0


class Price(Record, frozen=True):
    """Money for a million tokens read and written, for each call, and once for `training`, shared by the next `turns` turns,
    which took `hours`, 0: nobody said."""

    prompt: float = 0.0
    completion: float = 0.0
    call: float = 0.0
    training: float = 0.0
    turns: int = 0
    hours: float = 0.0


class Judge(Record, frozen=True):
    """A model as judge against people: `kappa` on so many labels, and the same by which answer it saw first and by length. Only
    one that `decides` counts; `why` tells what speaks against another. Of vectors: the `threshold` of likeness from which on a
    sentence says it, and whose vectors (`embedder`)."""

    model: str
    labels: int = 0
    kappa: float = 0.0
    flips: float = 0.0
    length_bias: float = 0.0
    decides: bool = False
    why: str = ""
    threshold: float = 0.0
    embedder: str = ""


class Check(Record, frozen=True):
    """What a run was checked for before it may be believed: `ok`, or `why` not."""

    name: str
    ok: bool
    why: str = ""


class Limits(Record, frozen=True):
    """Hard constraints on a track's figures; 0: none. `cost` of a turn, `p95` seconds to the whole answer, the least mean
    `citations` and `support`, the most `banned` answers, the most that it `could_not` serve (a share)."""

    cost: float = 0.0
    p95: float = 0.0
    citations: float = 0.0
    support: float = 0.0
    banned: int = 0
    could_not: float = 0.05


class Routed(Record, frozen=True):
    """What the router makes of a case by itself, where the case says its intent: `kind` as in a decision (`intent`, `clarify`,
    `out_of_scope`), and the intent it takes for the likeliest."""

    case: str
    kind: str
    said: str


class Stakes(Record, frozen=True):
    """What an intent risks, how soon its truth changes, and the tracks it takes now, in order."""

    route: tuple[str, ...]
    risk: Risk = "low"
    volatility: Volatility = "months"


class Decision(Record, frozen=True):
    """What the rule says of an intent, and what was at stake."""

    intent: str
    stakes: Stakes
    verdict: Verdict


class Run(Versioned, frozen=True):
    """One evaluation, whole. `stakes` of each intent of the assistant file, "" for what belongs to none. `sides` and
    `decisions` follow from the rest (`deciding.conclude`). `made_with`: the fingerprints of documents, models, prompts,
    questions and of each document (`source:NAME`) when it began, `left_with` when it ended: what differs was changed meanwhile.
    `behind`: what the index had not taken in yet, in words. `learned`: by model the prints of what it was trained on
    (`core.evaluation.tracks.learned`); a model that is not there: nobody said. `indexed`: seconds of work that the index took,
    0: not recorded. `routed`: what the router would make of the cases. `stopped`: why it ended early, "" where every
    case was asked. `most`: the most it might spend, 0: no limit."""

    id: str
    questions: str
    at: float
    assistant: str
    cases: tuple[Case, ...]
    tracks: tuple[Track, ...]
    stakes: dict[str, Stakes]
    ended: float = 0.0
    answered: tuple[Answered, ...] = ()
    sides: tuple[Side, ...] = ()
    decisions: tuple[Decision, ...] = ()
    rules: Rules = Rules()
    limits: Limits = Limits()
    prices: dict[str, Price] = {}
    currency: str = "EUR"
    most: float = 0.0
    spent: float = 0.0
    stopped: str = ""
    made_with: dict[str, str] = {}
    left_with: dict[str, str] = {}
    behind: tuple[str, ...] = ()
    learned: dict[str, tuple[str, ...]] = {}
    judges: tuple[Judge, ...] = ()
    routed: tuple[Routed, ...] = ()
    indexed: float = 0.0
    checks: tuple[Check, ...] = ()

    @property
    def intents(self) -> tuple[str, ...]:
        return tuple(decision.intent for decision in self.decisions)
