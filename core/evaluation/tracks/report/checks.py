"""What is checked before a run may be believed. Each check is a sentence that should be true, and a function that says why it
is not, "" where it is."""

from collections.abc import Callable, Mapping

from core.evaluation.tracks.records import Check, Run
from core.evaluation.tracks.report import asked, marks, recount, standing

CHECKS: Mapping[str, Callable[[Run], str]] = {
    "No question stands twice": asked.once,
    "Every track was asked the same questions": asked.alike,
    "Each answer is of the track that was asked": asked.served,
    "No model was trained on what it was tested with": standing.learned,
    "The index was up to date": standing.index,
    "Nothing was changed meanwhile": standing.unchanged,
    "The money adds up": asked.money,
    "Marks follow from the words of the answers": marks.marked,
    "Figures and decisions follow from the answers": recount.follows,
    "Tracks are compared question by question": recount.paired,
    "Questions of one conversation count as one piece of evidence": recount.clustered,
}


def checks(run: Run) -> tuple[Check, ...]:
    """All of them, of a run with its figures and decisions."""
    found = ((name, why(run)) for name, why in CHECKS.items())
    return tuple(Check(name=name, ok=not told, why=told) for name, told in found)


def failed(run: Run) -> tuple[Check, ...]:
    """Those that speak against the run: no routes may be proposed from it."""
    return tuple(check for check in run.checks if not check.ok)
