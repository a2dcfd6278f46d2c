"""The page of a run."""

from collections.abc import Iterator, Sequence
from html import escape

from core.evaluation import pages
from core.evaluation.intents.judged import FILE, OWN, Judged
from core.evaluation.intents.measuring import Change, Run, auroc, by_intent, figures, scopes
from core.evaluation.intents.stated import WAYS, Kept, Stated, kept
from core.evaluation.pages import row, table, tile, tiles, when
from core.evaluation.pictures import DECLINED, OUTSIDE, confused, curve, dots

SHOWN = 24


def page(run: Run, advice: Sequence[str], changes: Sequence[Change]) -> str:
    return pages.page(f"Intents, {run.questions}", _sections(run, advice, changes))


def _sections(run: Run, advice: Sequence[str], changes: Sequence[Change]) -> Iterator[str]:
    yield f"<h1>Intents</h1><p class='sub'>{escape(run.questions)} · {when(run.at)}</p>"
    yield from (f"<p>{WAYS[one.meant].capitalize()}: {escape(one.told)}.</p>" for one in run.promises)
    for part in (OWN, FILE):
        judged = [one for one in run.judged if one.part == part]
        if judged:
            yield from _part(part, judged, run.promises)
    worse = [(one.part, one.measure, f"{one.by.value:+.3f} ({one.by.low:+.3f} to {one.by.high:+.3f})") for one in changes]
    if changes:
        rows = (row("td", cells, "worse" if one.worse else "") for cells, one in zip(worse, changes, strict=True))
        yield f"<h2>Since the last run</h2>{table(('part', 'measure', 'difference'), rows)}"
    yield "<h2>What to do with the examples</h2>" + ("" if advice else "<p>Nothing stands out.</p>")
    yield table(("advice",), (row("td", (one,)) for one in advice))


def _part(part: str, judged: Sequence[Judged], promises: Sequence[Stated]) -> Iterator[str]:
    yield f"<h2>{escape(part.capitalize())}: {len(judged)} messages</h2>"
    found = figures(judged)
    yield tiles(tile(f"{f.value:.3f}", name, f"{f.low:.3f} to {f.high:.3f} · n {f.n}") for name, f in found.items())
    rows = [*by_intent(judged)]
    yield f"<section><h3>recall of each intent</h3>{dots([(name, recall) for name, _, recall, _ in rows if recall])}</section>"
    yield f"<section><h3>precision of each intent</h3>{dots([(name, exact) for name, exact, _, _ in rows if exact])}</section>"
    yield f"<section><h3>confusions</h3>{confusions(judged)}</section>"
    yield f"<section><h3>wrong among the answered, over the share answered</h3>{_risk(judged, promises)}</section>"
    if promised := [*kept(promises, judged)]:
        yield f"<section><h3>wrong among the answered, measured against stated</h3>{_promised(promised)}</section>"
    if any(not one.intent for one in judged):
        yield f"<section><h3>out of scope let through, over the share of the others kept</h3>{_scope(judged)}</section>"
        yield f"<section><h3>near out of scope</h3>{_near(judged)}</section>"
    yield f"<section><h3>calibration</h3>{_calibration(judged)}</section>"


def confusions(judged: Sequence[Judged]) -> str:
    return confused((one.intent or OUTSIDE, DECLINED if one.declined else one.said) for one in judged)


def _risk(judged: Sequence[Judged], promises: Sequence[Stated]) -> str:
    """As it would be with other limits; dashed is what is stated."""
    ranked = sorted((one for one in judged if one.answered), key=lambda one: -one.confidence)
    points, wrong = [], 0
    for number, one in enumerate(ranked, 1):
        wrong += not one.right
        points.append((number / len(judged), wrong / number))
    limit = promises[0].risk if promises else None
    return curve(points, f"risk {points[-1][1]:.1%}" if points else "", limit=limit)


def _promised(found: Sequence[Kept]) -> str:
    told = "; ".join(f"{WAYS[one.stated.meant]} at most {one.stated.risk:.1%} is stated: {one.verdict}" for one in found)
    return f"<p>{told}.</p>" + dots([(WAYS[one.stated.meant], one.wrong) for one in found])


def _near(judged: Sequence[Judged]) -> str:
    """What the limit makes of them, and those that are answered all the same, likest first."""
    near = sorted((one for one in judged if one.near), key=lambda one: -one.likeness)
    through = [one for one in near if one.answered]
    told = f"{len(near)} messages, {len(near) - len(through)} of them not answered."
    rows = (row("td", (one.text, one.said, f"{one.likeness:.2f}", f"{one.confidence:.2f}")) for one in through[:SHOWN])
    shown = table(("answered all the same", "taken for", "like an example", "confidence"), rows) if through else ""
    return f"<p>{told}</p>{shown}"


def _scope(judged: Sequence[Judged]) -> str:
    """The present limit is marked: what it declines has a scope below it."""
    points = scopes(judged)
    if not points:
        return "<p>Nothing in scope to compare with.</p>"
    kept = sum(not one.declined for one in judged)
    at = max((n for n, (limit, *_) in enumerate(points) if sum(one.scope >= limit for one in judged) <= kept), default=0)
    close = [one for one in judged if one.intent or one.near]
    told = (
        f"AUROC {auroc(judged):.3f}; dashed: those near to what is in scope, {auroc(close):.3f}."
        f" At the present limit, marked: {points[at][1]:.0%} kept, {points[at][2]:.0%} let through."
    )
    all_of_them, near = ([(kept, through) for _, kept, through in scopes(some)] for some in (judged, close))
    return f"<p>{told}</p>" + curve(all_of_them, "now", at=at, title="out of scope", beside=near)


def _calibration(judged: Sequence[Judged]) -> str:
    """How often what is said with some confidence is right."""
    rows = []
    for low in range(0, 10, 2):
        some = [one for one in judged if one.intent and low / 10 <= one.confidence < (low + 2) / 10 + (low == 8)]
        if some:
            rows.append((f"confidence {low / 10:.1f} to {(low + 2) / 10:.1f}", figures(some)["right intent"]))
    return dots(rows)
