"""The page of a run."""

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape

from core.evaluation import pages
from core.evaluation.intents.measuring import FILE, OWN, Change, Judged, Run, by_intent, figures
from core.evaluation.pages import row, table, tile, tiles, when
from core.evaluation.pictures import curve, dots

SHOWN = 24
CELL, LEFT = 22, 190


def page(run: Run, advice: Sequence[str], changes: Sequence[Change]) -> str:
    return pages.page(f"Intents, {run.questions}", _sections(run, advice, changes))


def _sections(run: Run, advice: Sequence[str], changes: Sequence[Change]) -> Iterator[str]:
    yield f"<h1>Intents</h1><p class='sub'>{escape(run.questions)} · {when(run.at)}<br>{escape(run.promise)}</p>"
    for part in (OWN, FILE):
        judged = [one for one in run.judged if one.part == part]
        if judged:
            yield from _part(part, judged)
    worse = [(one.part, one.measure, f"{one.by.value:+.3f} ({one.by.low:+.3f} to {one.by.high:+.3f})") for one in changes]
    if changes:
        rows = (row("td", cells, "worse" if one.worse else "") for cells, one in zip(worse, changes, strict=True))
        yield f"<h2>Since the last run</h2>{table(('part', 'measure', 'difference'), rows)}"
    yield "<h2>What to do with the examples</h2>" + ("" if advice else "<p>Nothing stands out.</p>")
    yield table(("advice",), (row("td", (one,)) for one in advice))


def _part(part: str, judged: Sequence[Judged]) -> Iterator[str]:
    yield f"<h2>{escape(part.capitalize())}: {len(judged)} messages</h2>"
    found = figures(judged)
    yield tiles(tile(f"{f.value:.3f}", name, f"{f.low:.3f} to {f.high:.3f} · n {f.n}") for name, f in found.items())
    rows = [*by_intent(judged)]
    yield f"<section><h3>recall of each intent</h3>{dots([(name, recall) for name, _, recall, _ in rows if recall])}</section>"
    yield f"<section><h3>precision of each intent</h3>{dots([(name, exact) for name, exact, _, _ in rows if exact])}</section>"
    yield f"<section><h3>confusions</h3>{confusions(judged)}</section>"
    yield f"<section><h3>wrong among the answered, over the share answered</h3>{_risk(judged)}</section>"
    yield f"<section><h3>calibration</h3>{_calibration(judged)}</section>"


def confusions(judged: Sequence[Judged]) -> str:
    """A square for each intent people meant (down) and the router said (across), those that are confused most."""
    counts = Counter(
        (one.intent or "(out of scope)", one.said if one.kind != "out_of_scope" else "(declined)") for one in judged
    )
    wrong: Counter[str] = Counter()
    for (meant, said), count in counts.items():
        if meant != said:
            wrong.update({meant: count, said: count})
    names = sorted(name for name, _ in wrong.most_common(SHOWN))
    most = max([1, *(count for (meant, said), count in counts.items() if meant != said)])
    parts = []
    for down, meant in enumerate(names):
        parts.append(f'<text x="{LEFT - 8}" y="{down * CELL + 16}" class="name">{escape(meant)}</text>')
        for across, said in enumerate(names):
            count = counts[meant, said]
            shade = 0.15 if meant == said else min(1.0, 0.2 + 0.8 * count / most)
            if count:
                at = f'x="{LEFT + across * CELL}" y="{down * CELL}"'
                told = f"{meant} taken for {said}: {count}"
                parts.append(
                    f'<rect {at} width="{CELL - 2}" height="{CELL - 2}" class="bar" fill-opacity="{shade:.2f}">'
                    f"<title>{escape(told)}</title></rect>"
                )
    size = CELL * max(1, len(names))
    shown = f'<svg viewBox="0 0 {LEFT + size} {size}" role="img" aria-label="confusions">{"".join(parts)}</svg>'
    return shown if names else "<p>Nothing is confused.</p>"


def _risk(judged: Sequence[Judged]) -> str:
    ranked = sorted((one for one in judged if one.answered), key=lambda one: -one.confidence)
    points, wrong = [], 0
    for number, one in enumerate(ranked, 1):
        wrong += not one.right
        points.append((number / len(judged), wrong / number))
    return curve(points, f"risk {points[-1][1]:.1%}" if points else "")


def _calibration(judged: Sequence[Judged]) -> str:
    """How often what is said with some confidence is right."""
    rows = []
    for low in range(0, 10, 2):
        some = [one for one in judged if one.intent and low / 10 <= one.confidence < (low + 2) / 10 + (low == 8)]
        if some:
            rows.append((f"confidence {low / 10:.1f} to {(low + 2) / 10:.1f}", figures(some)["right intent"]))
    return dots(rows)
