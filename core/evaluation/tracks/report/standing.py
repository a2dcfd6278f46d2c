"""Checks of the world that was measured: models that were not told the answers, an index that holds what it should, and nothing
that became another in the middle."""

from collections.abc import Callable, Iterable

from core.evaluation.tracks.learned import met
from core.evaluation.tracks.records import Answered, Case, Run
from core.evaluation.tracks.report.words import some

SOURCE = "source:"
ASTRAY = 0.05
"""The share of answers that quote what their document does not hold, above which the index is not of these documents."""

READERS = ("rag", "stronger")
"""Tracks that know what they are asked from documents alone. When all of them say the old value and none the new one, it is
because they were given the old document."""

CHANGES, OLD = 5, 0.9
"""The fewest changes, and the share of them after which only the old was said, from which on that is no chance."""


def learned(run: Run) -> str:
    for track in run.tracks:
        known = frozenset(run.learned.get(track.model, ()))
        if leaked := [case.id for case in run.cases if met(case, known)]:
            told = f"{some(leaked, 'question')} among what {track.model} ({track.name}) was trained on"
            return f"{told}: take them out of {run.questions}, or train without them"
    return ""


def untold(run: Run) -> list[str]:
    """Tuned models of which nobody said what they learned from."""
    tuned = (track.model for track in run.tracks if track.name in ("tuned", "hybrid") and not track.left_out)
    return sorted({model for model in tuned if model and model not in run.learned})


def index(run: Run) -> str:
    if run.behind:
        return f"it was behind: {'; '.join(run.behind)}"
    if run.made_with and not run.left_with:
        return "nobody looked at the end whether the documents were the same"
    if changed := _changed(run, lambda name: name.startswith(SOURCE)) or _changed(run, lambda name: name == "documents"):
        return f"{some([name.removeprefix(SOURCE) for name in changed], 'document')} changed while it was measured"
    return _unknown(run) or _astray(run) or _outdated(run)


def unchanged(run: Run) -> str:
    if run.made_with and not run.left_with:
        return "nobody looked at the end whether models and prompts were the same"
    changed = _changed(run, lambda name: name != "documents" and not name.startswith(SOURCE))
    return f"{' and '.join(changed)} became other ones while it was measured" if changed else ""


def _changed(run: Run, concerns: Callable[[str], bool]) -> list[str]:
    names = sorted({*run.made_with, *run.left_with})
    return [name for name in names if concerns(name) and run.made_with.get(name) != run.left_with.get(name)]


def _unknown(run: Run) -> str:
    """Documents that questions rest on, or answers cite, and that the index did not have."""
    known = {name.removeprefix(SOURCE) for name in run.made_with if name.startswith(SOURCE)}
    if not known:
        return ""
    cited = {citation.source for one in run.answered for citation in one.citations}
    if strange := sorted(cited - known):
        return f"answers cite {some(strange, 'document')} that it did not hold when it was looked at"
    wanted = {end for case in run.cases for end in case.sources}
    missing = sorted(end for end in wanted if not any(_is(name, (end,)) for name in known))
    return f"questions rest on {some(missing, 'document')} that it does not hold" if missing else ""


def _astray(run: Run) -> str:
    """Quotes from allowed documents that are not in them."""
    cases = {case.id: case for case in run.cases}
    citing = [one for one in run.answered if one.citations and one.grades.citations is not None and one.case in cases]
    wrong = [one for one in citing if (one.grades.citations or 0.0) < 1 and _allowed(one, cases[one.case])]
    if len(wrong) <= ASTRAY * len(citing):
        return ""
    return f"{len(wrong)} of {len(citing)} answers quote what the document they cite does not say"


def _outdated(run: Run) -> str:
    after = [one for one in run.answered if one.track in READERS and one.stale is not None]
    tracks = sorted({one.track for one in after})
    old = [one for one in after if one.stale and not one.fresh]
    shares = [sum(one.track == track for one in old) / sum(one.track == track for one in after) for track in tracks]
    if len(after) < CHANGES or min(shares) < OLD:
        return ""
    return f"{' and '.join(tracks)} said the old value after {len(old)} of {len(after)} changes of documents"


def _allowed(one: Answered, case: Case) -> bool:
    return not case.sources or all(_is(citation.source, case.sources) for citation in one.citations)


def _is(source: str, ends: Iterable[str]) -> bool:
    return any(source == end or source.endswith(f"/{end}") for end in ends)
