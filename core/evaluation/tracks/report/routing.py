"""The router's part: which intents' questions it would send elsewhere, where another intent's route answers them."""

from collections.abc import Iterator

from core.evaluation import intervals
from core.evaluation.intervals import Figure
from core.evaluation.pictures import ASKED_BACK, DECLINED, OUTSIDE, confused
from core.evaluation.tracks.records import Case, Routed, Run
from core.evaluation.tracks.report.html import Html, el
from core.evaluation.tracks.report.words import count, share, span

Pairs = list[tuple[Case, Routed]]


def router(run: Run) -> Iterator[Html]:
    yield el("h2", "What the router would do", id="router")
    pairs = _pairs(run)
    if not pairs:
        yield el("p", "Nothing is known of it: no question says its intent, or there are not two to tell apart.")
        return
    yield el("p", _told(pairs))
    yield el("section", Html(confused((_meant(case), _said(one)) for case, one in pairs)))


def _pairs(run: Run) -> Pairs:
    cases = {case.id: case for case in run.cases}
    return [(cases[one.case], one) for one in run.routed if one.case in cases]


def _meant(case: Case) -> str:
    return OUTSIDE if case.out_of_scope else case.intent


def _said(one: Routed) -> str:
    return {"out_of_scope": DECLINED, "clarify": ASKED_BACK}.get(one.kind, one.said)


def _told(pairs: Pairs) -> str:
    ways = ("right", "elsewhere", "back", "declined")
    right, elsewhere, back, declined = (_figure(_share(pairs, [_way(*pair) == way for pair in pairs])) for way in ways)
    return (
        "Everything above takes each question for the intent it says."
        f" Of {count(len(pairs), 'question')} that say one and begin a conversation the router by itself gets {right} right,"
        f" sends {elsewhere} to another intent, whose route then answers, asks back about {back} and declines {declined}."
        " Down: what is meant; across: what it does. More of it: turnout eval intents."
    )


def _way(case: Case, one: Routed) -> str:
    meant, said = _meant(case), _said(one)
    if meant == said or (meant, said) == (OUTSIDE, DECLINED):
        return "right"
    return {DECLINED: "declined", ASKED_BACK: "back"}.get(said, "elsewhere")


def _share(pairs: Pairs, some: list[bool]) -> Figure:
    return intervals.mean([float(one) for one in some], [case.cluster for case, _ in pairs])


def _figure(figure: Figure) -> str:
    return f"{share(figure.value)} ({span(share(figure.low), share(figure.high))})"
