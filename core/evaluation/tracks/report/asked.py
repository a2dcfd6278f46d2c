"""Checks of what was asked and answered: every question once, of every track, by that track, for what it costs."""

import math
import re
from collections import Counter
from collections.abc import Iterable

from core.evaluation.tracks.deciding import filed
from core.evaluation.tracks.figures import grouped
from core.evaluation.tracks.records import Answered, Case, Run, Track
from core.evaluation.tracks.report.words import some

BARE = ("template", "prompt", "tuned")
"""Tracks that are given no documents, so they have nothing to cite."""

WITH_DOCUMENTS = ("rag", "hybrid", "stronger")
ENOUGH = 20
"""Answers of which one at least would cite, if there were documents."""

PART = ("template",)
"""Tracks that are asked only what they are for."""

UNFINISHED = 64
"""Questions that a run which stops early may have asked of some tracks and not yet of others."""

_WORD = re.compile(r"\w+")


def once(run: Run) -> str:
    words = Counter(_words(case) for case in run.cases)
    twice = [case.id for case in run.cases if words[_words(case)] > 1]
    names = [name for name, times in Counter(case.id for case in run.cases).items() if times > 1]
    if twice or names:
        return f"{some(sorted({*twice, *names}), 'question')} asked more than once: each counts as further evidence"
    known = {case.id for case in run.cases}
    if strange := sorted({one.case for one in run.answered if one.case not in known}):
        return f"there are answers to {some(strange, 'question')} that were not to be asked"
    again = [f"{case} of {track}" for (case, track), times in _pairs(run.answered).items() if times > 1]
    return f"there is more than one answer to {some(again, 'question')}" if again else ""


def alike(run: Run) -> str:
    """Of each intent that a track was asked about it was asked everything."""
    asked: dict[tuple[str, str], set[str]] = {}
    tracks: dict[str, set[str]] = {}
    for (intent, track), pairs in grouped(run.cases, _answers(run)).items():
        if track not in (*PART, *filed(run)):
            tracks.setdefault(intent, set()).add(track)
            for case, _ in pairs:
                asked.setdefault((intent, case.id), set()).add(track)
    lacking = [case for (intent, case), by in asked.items() if by != tracks[intent]]
    answered = {one.case for one in run.answered}
    unasked = [] if run.stopped else [case.id for case in run.cases if case.id not in answered]
    if len(lacking) > (UNFINISHED if run.stopped else 0):
        return f"{some(lacking, 'question')} asked of some tracks and not of others"
    return f"{some(unasked, 'question')} asked of no track at all" if unasked else ""


def served(run: Run) -> str:
    tracks = {track.name: track for track in run.tracks if not track.left_out and not track.assumed}
    if strange := sorted({one.track for one in run.answered} - {*tracks}):
        return f"there are answers of {', '.join(strange)}, which could not be asked"
    spoken = [one for one in run.answered if one.outcome in ("answered", "declined")]
    for one in spoken:
        if told := _other(one, tracks[one.track]):
            return f"{one.case}, asked of {one.track}: {told}"
    for name in WITH_DOCUMENTS if _has_documents(run) else ():
        own = [one for one in spoken if one.track == name]
        if len(own) >= ENOUGH and not any(one.citations for one in own):
            return f"{name} is given documents, and cites none in {len(own)} answers"
    turns = Counter(one.turn for one in spoken if one.turn)
    twice = [turn for turn, times in turns.items() if times > 1]
    return f"one turn of the log stands for several answers: {twice[0]}" if twice else ""


def _other(one: Answered, track: Track) -> str:
    """What shows that another track answered."""
    if one.served != one.track:
        return f"the log says that {one.served or 'nothing'} answered"
    if one.model and track.model and not one.model.startswith(track.model):
        return f"the model was {one.model}, and it has {track.model}"
    return "it cites documents, and is given none" if track.name in BARE and one.citations else ""


def _has_documents(run: Run) -> bool:
    return any(name.startswith("source:") for name in run.made_with)


def money(run: Run) -> str:
    paid = math.fsum(one.paid for one in run.answered)
    if not math.isclose(paid, run.spent, rel_tol=1e-6, abs_tol=1e-6):
        return f"the answers cost {paid:.6f} {run.currency} together, and {run.spent:.6f} are said to be spent"
    if run.most and run.spent > run.most * (1 + 1e-9):
        return f"{run.spent:.4f} {run.currency} were spent, and no more than {run.most:.4f} were allowed"
    tracks = {track.name: track for track in run.tracks}
    wrong = [
        f"{one.case} of {one.track}" for one in run.answered if one.track in tracks and not _priced(run, one, tracks[one.track])
    ]
    return f"the cost of {some(wrong, 'answer')} is not what tokens and prices make" if wrong else ""


def _priced(run: Run, one: Answered, track: Track) -> bool:
    if track.filed:
        return math.isclose(one.cost, track.minute * one.total / 60_000, rel_tol=1e-6, abs_tol=1e-9)
    price = run.prices.get(track.model)
    if price is None or one.outcome in ("cannot", "failed"):
        return True
    tokens = price.prompt * one.usage.prompt_tokens + price.completion * one.usage.completion_tokens
    training = price.training / price.turns if price.turns else 0.0
    return math.isclose(one.cost, tokens / 1e6 + price.call + training, rel_tol=1e-6, abs_tol=1e-9)


def _words(case: Case) -> tuple[str, ...]:
    return tuple(" ".join(_WORD.findall(text.casefold())) for text in (*case.before, case.question))


def _pairs(answered: Iterable[Answered]) -> Counter[tuple[str, str]]:
    return Counter((one.case, one.track) for one in answered)


def _answers(run: Run) -> list[Answered]:
    """Those to questions that there are."""
    known = {case.id for case in run.cases}
    return [one for one in run.answered if one.case in known]
