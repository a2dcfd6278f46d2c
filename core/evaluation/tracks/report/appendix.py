"""What was assumed, who judged, what exactly was measured, and what was checked."""

from collections.abc import Iterator, Mapping

from core.evaluation.tracks.deciding import DAYS, STALENESS
from core.evaluation.tracks.records import Judge, Run, Track
from core.evaluation.tracks.report.html import Html, el, joined, row, table
from core.evaluation.tracks.report.standing import SOURCE
from core.evaluation.tracks.report.words import count, share
from core.policy.decision import sure

WHOLE = ("questions", "documents", "models", "prompts")


def weights(run: Run) -> Iterator[Html]:
    rules, told, money = run.rules, run.rules.weights, run.currency
    yield el("h2", "Weights, limits and prices", id="weights")
    yield el(
        "p",
        f"Worth = quality − {told.cost:g} × cost of a turn in {money} − {told.second:g} × seconds − {told.stale:g} ×"
        " out of date × how soon the truth changes. These are the owner's opinions: [measure] of the assistant file.",
    )
    decided = {
        "One is better": f"P(better) above {_sure(rules.alpha)}; for high risk each by itself, corrected over all (Holm)",
        "One is not worse": f"at most {100 * rules.margin:g} points worse, and cheaper or faster by {share(rules.cheaper)}",
        "A difference worth knowing": f"{100 * rules.least:g} points",
        "Real questions an intent needs": str(rules.cases),
        "How soon the truth changes": ", ".join(f"{name}: × {weight:g}" for name, weight in STALENESS.items()),
        "How long evidence is good": ", ".join(f"{name}: {days} days" for name, days in DAYS.items()),
        **_constraints(run),
    }
    yield el("section", table(("Rule", "Is"), [row(*pair) for pair in decided.items()], title="Rules and constraints"))
    if run.prices:
        head = ("Model", f"{money}, a million read", "A million written", "A call", "Training", "Shared by turns")
        rows = [
            row(name, f"{one.prompt:g}", f"{one.completion:g}", f"{one.call:g}", f"{one.training:g}", f"{one.turns:,}")
            for name, one in run.prices.items()
        ]
        yield el("section", table(head, rows, title="Prices"))
    told_most = f" of at most {run.most:.2f}" if run.most else ""
    yield el("p", f"This run cost {run.spent:.4f}{told_most} {money}.")


def _sure(alpha: float) -> str:
    one, two, three = (f"{100 * sure(rivals, alpha):.1f} %" for rivals in (1, 2, 3))
    return f"{one}, each of two challengers {two}, of three {three}"


def _constraints(run: Run) -> Mapping[str, str]:
    limits = run.limits
    known = {
        "Most a turn may cost": f"{limits.cost:g} {run.currency}" if limits.cost else "",
        "Longest at the 95th percentile": f"{limits.p95:g} s" if limits.p95 else "",
        "Least citations that hold": share(limits.citations) if limits.citations else "",
        "Least that is borne out": share(limits.support) if limits.support else "",
        "Answers that may say what is forbidden": str(limits.banned),
        "Most it may fail to serve": share(limits.could_not),
    }
    return {name: told for name, told in known.items() if told}


def judges(run: Run) -> Iterator[Html]:
    yield el("h2", "Who judged", id="judges")
    yield el(
        "p",
        "Exact checks come first: facts by their words, citations in their documents, format, language, forbidden words. A"
        " model, or the likeness of vectors, judges beside them, and decides only where it agrees with people (κ of 0.6 on 200"
        " labels).",
    )
    if not run.judges:
        yield el("p", "No model judged.")
        return
    rows = [
        row(
            joined((judge.model, *_near(judge))),
            joined((el("b", "✓ decides" if judge.decides else "✗ reports only"), el("small", judge.why))),
            f"{judge.kappa:.2f}",
            str(judge.labels),
            share(judge.flips),
            f"{judge.length_bias:+.2f}",
        )
        for judge in run.judges
    ]
    head = ("Model", "Role", "κ with people", "Labels", "Changes its mind with the order", "Favours length")
    yield el("section", table(head, rows, title="Judges"))


def _near(judge: Judge) -> list[Html]:
    return [el("small", f"from a likeness of {judge.threshold:.2f} on, by {judge.embedder}")] if judge.embedder else []


def versions(run: Run) -> Iterator[Html]:
    yield el("h2", "What exactly was measured", id="versions")
    rows = [row(name, _print(run, name)) for name in WHOLE if name in run.made_with or name in run.left_with]
    yield el("section", table(("Of", "Fingerprint"), rows, title="Fingerprints")) if rows else el("p", "No fingerprints.")
    tracks = [row(track.name, track.model or "–", _how(track)) for track in run.tracks]
    yield el("section", table(("Track", "Model", ""), tracks, title="Tracks and their models"))
    sources = sorted(name for name in run.made_with if name.startswith(SOURCE))
    if sources:
        rows = [row(name.removeprefix(SOURCE), _print(run, name)) for name in sources]
        head = el("summary", f"The fingerprints of {count(len(sources), 'document')}")
        yield el("details", head, table(("Document", "Fingerprint"), rows, title="Documents"))
    yield el("p", f"Run {run.id}.", class_="sub")


def _print(run: Run, name: str) -> str:
    begun, ended = run.made_with.get(name, "not there"), run.left_with.get(name, "not there")
    return begun if begun == ended else f"{begun}, at the end {ended}"


def _how(track: Track) -> str:
    if track.filed:
        return f"not asked: answers from a file ({track.filed})"
    return f"left out: {track.left_out}" if track.left_out else "assumed, not measured" if track.assumed else "asked"


def checked(run: Run) -> Iterator[Html]:
    yield el("h2", "What was checked", id="checks")
    if not run.checks:
        yield el("p", "Nothing was checked.")
        return
    rows = [
        row("✓ holds" if check.ok else "✗ does not", check.name, check.why or "–", class_=_failed(check.ok))
        for check in run.checks
    ]
    yield el("section", table(("", "Check", "Why not"), rows, title="Checks of this report"))


def _failed(ok: bool) -> str | None:
    return None if ok else "worse"
