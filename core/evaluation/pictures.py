"""Pictures as SVG, drawn by hand: dots with whiskers, a curve, bars. Colours are the page's, so that they fit light and
dark."""

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

from core.evaluation.intervals import Figure

WIDTH, LABEL, ROW, MARGIN = 640, 210, 26, 24
RIGHT = WIDTH - 120
HEIGHT = 220
LETTERS = 30
CELL, LEFT, TOP = 24, 190, 120
MOST = 24
"""Intents that a picture of confusions has room for."""

OUTSIDE, DECLINED, ASKED_BACK = "(out of scope)", "(declined)", "(asked back)"


def dots(rows: Sequence[tuple[str, Figure]]) -> str:
    """A row for each figure between 0 and 1: its value, its interval, how many questions it is of."""
    height = MARGIN + ROW * len(rows) + 8
    parts = [_grid(height)]
    for number, (name, figure) in enumerate(rows):
        y = MARGIN + ROW * number + ROW / 2
        low, value, high = (_across(min(1.0, max(0.0, part))) for part in (figure.low, figure.value, figure.high))
        parts += [
            f'<text x="{LABEL - 12}" y="{y + 4}" class="name"><title>{escape(name)}</title>{escape(_short(name))}</text>',
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}" class="whisker"/>',
            f'<circle cx="{value:.1f}" cy="{y}" r="5" class="dot"><title>{escape(told(figure))}</title></circle>',
            f'<text x="{RIGHT + 14}" y="{y + 4}" class="value">{figure.value:.3f}  n {figure.n}</text>',
        ]
    return _svg(height, parts, "figures with their intervals")


def curve(
    points: Sequence[tuple[float, float]],
    marked: str,
    *,
    at: int = -1,
    title: str = "risk over coverage",
    beside: Sequence[tuple[float, float]] = (),
    limit: float | None = None,
) -> str:
    """A line from (0, first) on, both axes from 0 to 1; the point `at`, the last one, is marked. Dashed: a second line `beside`
    it, and a level that is not to be passed."""
    if not points:
        return "<p>Nothing was answered.</p>"
    highest = max(0.2, limit or 0.0, *(up for _, up in [*points, *beside]))

    def place(point: tuple[float, float]) -> tuple[float, float]:
        return 60 + point[0] * (WIDTH - 200), HEIGHT - 36 - point[1] / highest * (HEIGHT - 60)

    def line(some: Sequence[tuple[float, float]], kind: str) -> str:
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, some))
        return f'<polyline points="{drawn}" class="{kind}"/>'

    x, y = place(points[at])
    bottom, left, end = HEIGHT - 36, 60, WIDTH - 140
    parts = [
        f'<line x1="{left}" x2="{end}" y1="{bottom}" y2="{bottom}" class="axis"/>',
        f'<line x1="{left}" x2="{left}" y1="20" y2="{bottom}" class="axis"/>',
        f'<text x="{left - 8}" y="28" class="name">{highest:.0%}</text><text x="{left - 8}" y="{bottom}" class="name">0</text>',
        *(
            f'<text x="{left + share * (end - left):.0f}" y="{bottom + 18}" class="middle">{share:.0%}</text>'
            for share in (0.0, 0.5, 1.0)
        ),
        line([(0.0, points[0][1]), *points], "curve"),
        line([(0.0, beside[0][1]), *beside], "curve beside") if beside else "",
        line([(0.0, limit), (1.0, limit)], "axis beside") if limit is not None else "",
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" class="dot"/>',
        f'<text x="{min(x + 10, WIDTH - 130):.1f}" y="{y - 8:.1f}" class="value">{escape(marked)}</text>',
    ]
    return _svg(HEIGHT, parts, title)


def bars(counts: Sequence[tuple[str, int]]) -> str:
    """A bar for each count, side by side."""
    highest = max(1, *(count for _, count in counts))
    step = (WIDTH - 80) / len(counts)
    parts = []
    for number, (name, count) in enumerate(counts):
        x, tall = 40 + number * step, count / highest * (HEIGHT - 80)
        middle = x + step / 2
        parts += [
            f'<rect x="{x + 3:.1f}" y="{HEIGHT - 40 - tall:.1f}" width="{step - 6:.1f}" height="{tall:.1f}" class="bar"/>',
            f'<text x="{middle:.1f}" y="{HEIGHT - 46 - tall:.1f}" class="middle">{count}</text>',
            f'<text x="{middle:.1f}" y="{HEIGHT - 22}" class="middle">{escape(name)}</text>',
        ]
    return _svg(HEIGHT, parts, "counts")


def confused(pairs: Iterable[tuple[str, str]]) -> str:
    """A square for each intent people meant (down) and the router said (across), of those that are confused most; what is right
    is pale."""
    counts = Counter(pairs)
    right = {pair for pair in counts if pair[0] == pair[1] or pair == (OUTSIDE, DECLINED)}
    wrong: Counter[str] = Counter()
    for pair, count in counts.items():
        if pair not in right:
            wrong.update({name: count for name in pair})
    names = sorted(name for name, _ in wrong.most_common(MOST))
    columns, rows = [name for name in names if name != OUTSIDE], [name for name in names if name not in (DECLINED, ASKED_BACK)]
    most = max([1, *(count for pair, count in counts.items() if pair not in right)])
    parts = []
    for across, said in enumerate(columns):
        x = LEFT + across * CELL + CELL / 2 + 4
        parts.append(f'<text transform="translate({x} {TOP - 6}) rotate(-60)" class="value">{escape(said)}</text>')
    for down, meant in enumerate(rows):
        y = TOP + down * CELL
        parts.append(f'<text x="{LEFT - 8}" y="{y + 16}" class="name">{escape(meant)}</text>')
        for across, said in enumerate(columns):
            count = counts[meant, said]
            shade = 0.12 if (meant, said) in right else 0.2 + 0.4 * count / most
            if count:
                x = LEFT + across * CELL
                told = f"{meant} taken for {said}: {count}"
                parts.append(
                    f'<rect x="{x}" y="{y}" width="{CELL - 2}" height="{CELL - 2}" class="bar" fill-opacity="{shade:.2f}">'
                    f"<title>{escape(told)}</title></rect>"
                    f'<text x="{x + CELL / 2 - 1}" y="{y + 16}" text-anchor="middle" class="value">{count}</text>'
                )
    size = CELL * max(1, len(names))
    wide = LEFT + size + TOP
    frame = f'<svg viewBox="0 0 {wide} {TOP + size}" style="max-width: {wide}px" role="img" aria-label="confusions">'
    shown = f"{frame}{''.join(parts)}</svg>"
    return shown if names else "<p>Nothing is confused.</p>"


def told(figure: Figure) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f}, {figure.n} questions)"


def _grid(height: float) -> str:
    lines = "".join(
        f'<line x1="{_across(share):.1f}" x2="{_across(share):.1f}" y1="{MARGIN - 4}" y2="{height - 4}" class="grid"/>'
        f'<text x="{_across(share):.1f}" y="14" class="middle">{share:g}</text>'
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    return f"<g>{lines}</g>"


def _across(share: float) -> float:
    return LABEL + share * (RIGHT - LABEL)


def _short(name: str) -> str:
    return name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"


def _svg(height: float, parts: Sequence[str], title: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{title}">{"".join(parts)}</svg>'
