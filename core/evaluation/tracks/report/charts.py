"""Pictures that fit any width: places across are shares of it, so that words keep their size on a phone and on paper.

A mark has a colour *and* a shape, and a name beside it or in the row's head: nobody needs to tell colours apart.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.evaluation.intervals import Figure
from core.evaluation.tracks.report.html import Html, el

SHAPES = (
    "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0z",
    "M-4.5,-4.5h9v9h-9z",
    "M0,-6.2L6.2,0L0,6.2L-6.2,0z",
    "M0,-5.8L5.8,4.6H-5.8z",
    "M0,5.8L5.8,-4.6H-5.8z",
    "M-2,-6h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
    "M-5.2,-3L0,-6L5.2,-3V3L0,6L-5.2,3z",
)
EDGE = 3.0
"""Per cent of the width left free at either end."""

STRIP, PLOT, TOP, GAP, NEAR = 24, 250, 12, 15, 34


@dataclass(frozen=True, slots=True)
class Axis:
    """What a width, or a height, is of."""

    low: float
    high: float
    log: bool = False

    def at(self, value: float) -> float:
        """Its place, in per cent; beyond the ends at the end."""
        low, high, value = (math.log(max(part, 1e-12)) if self.log else part for part in (self.low, self.high, value))
        across = min(1.0, max(0.0, (value - low) / (high - low or 1.0)))
        return EDGE + across * (100 - 2 * EDGE)

    def ticks(self) -> list[float]:
        if self.log:
            tens = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            found = [step * 10.0**ten for ten in tens for step in (1, 2, 5) if self.low <= step * 10.0**ten <= self.high]
            return found[:: math.ceil(len(found) / 4)]
        rough = (self.high - self.low) / 4 or 1.0
        ten = 10.0 ** math.floor(math.log10(rough))
        step = next(step * ten for step in (1, 2, 2.5, 5, 10) if step * ten >= rough)
        return [step * number for number in range(math.ceil(self.low / step), math.floor(self.high / step + 1e-9) + 1)]


def spanning(values: Sequence[float], *, zero: bool = False) -> Axis:
    """From the least to the most of them, with some room."""
    low, high = min([*values, 0.0] if zero else values), max([*values, 0.0] if zero else values)
    room = (high - low) * 0.06 or 0.05
    return Axis(low - room, high + room)


def sized(values: Sequence[float]) -> Axis:
    """Of amounts: by factors where they are of different size, else from nothing on."""
    known = [value for value in values if value > 0]
    if known and max(known) > 6 * min(known):
        return Axis(min(known) / 1.25, max(known) * 1.25, log=True)
    return Axis(0.0, max(known, default=1.0) * 1.1)


def mark(number: int, *, hollow: bool = False) -> Html:
    """The shape and colour of a track, for words to stand beside."""
    inside = el("path", d=SHAPES[number % len(SHAPES)], class_=f"mark t{number % len(SHAPES)}{' hollow' * hollow}")
    return el("svg", inside, class_="key", width=14, height=14, viewBox="-7 -7 14 14", aria_hidden="true")


def strip(axis: Axis, told: str, *marks: Html, zero: bool = False) -> Html:
    """A row of a picture; `told` says what is to be seen."""
    lines = [_upright(axis.at(tick), STRIP, "grid") for tick in axis.ticks()]
    nought = [_upright(axis.at(0.0), STRIP, "nought")] if zero else []
    shown = el("title", told)
    return el("svg", shown, *lines, *nought, *marks, class_="strip", width="100%", height=STRIP, role="img", aria_label=told)


def ruler(axis: Axis, form: Callable[[float], str]) -> Html:
    """The numbers over strips."""
    places = [(axis.at(tick), form(tick)) for tick in axis.ticks()]
    words = [el("text", told, x=f"{at:.1f}%", y=12, class_=_side(at)) for at, told in places]
    return el("svg", *words, class_="strip ruler", width="100%", height=16, aria_hidden="true")


def _side(at: float) -> str:
    """So that nothing stands beyond the ends."""
    return "begins" if at < 8 else "ends" if at > 92 else "middle"


def whisker(axis: Axis, low: float, high: float, number: int) -> Html:
    middle = STRIP / 2
    ends = {"x1": f"{axis.at(low):.2f}%", "x2": f"{axis.at(high):.2f}%", "y1": middle, "y2": middle}
    return el("line", class_=f"whisker t{number % len(SHAPES)}", **ends)


def point(axis: Axis, value: float, number: int, *, hollow: bool = False) -> Html:
    return _placed(axis.at(value), STRIP / 2, number, hollow=hollow)


def tick(axis: Axis, value: float, number: int) -> Html:
    """The end of a range."""
    across = f"{axis.at(value):.2f}%"
    return el("line", x1=across, x2=across, y1=STRIP / 2 - 6, y2=STRIP / 2 + 6, class_=f"end t{number % len(SHAPES)}")


def bar(start: float, width: float, class_: str) -> Html:
    """A piece of a bar, in per cent of the width."""
    return el("rect", x=f"{start:.2f}%", width=f"{width:.2f}%", y=5, height=STRIP - 10, class_=class_)


@dataclass(frozen=True, slots=True)
class Spot:
    """A mark of a plot: what it takes (`across`) and how good it is, with intervals; `out`: it may not be taken."""

    name: str
    number: int
    across: Figure
    up: Figure
    out: bool = False
    strong: bool = False


def plot(spots: Sequence[Spot], told: str, *, across: Callable[[float], str], up: Callable[[float], str], less: str) -> Html:
    """Good is up, cheap or soon is left; the line joins those that nothing beats in both."""
    wide = sized([value for spot in spots for value in (spot.across.low, spot.across.high, spot.across.value)])
    tall = spanning([value for spot in spots for value in (spot.up.low, spot.up.high)])

    def place(spot: Spot) -> tuple[float, float]:
        return 8 + wide.at(spot.across.value) * 0.9, _height(tall, spot.up.value)

    parts = [
        *(el("line", x1="8%", x2="100%", y1=y, y2=y, class_="grid") for y in (_height(tall, tick) for tick in tall.ticks())),
        *(el("text", up(tick), x="7%", y=_height(tall, tick) + 4, class_="name") for tick in tall.ticks()),
        *(el("text", across(tick), x=f"{8 + wide.at(tick) * 0.9:.1f}%", y=PLOT - 4, class_="middle") for tick in wide.ticks()),
        *_front(spots, place),
        *(part for spot in spots for part in _cross(spot, wide, tall)),
        *(_placed(*place(spot), spot.number, hollow=spot.out) for spot in spots),
        *_names(spots, [place(spot) for spot in spots]),
        el("text", "better ↑", x="8.5%", y=10, class_="soft"),
        el("text", f"← {less}", x="8.5%", y=PLOT - 22, class_="soft"),
    ]
    return el("svg", el("title", told), *parts, class_="plot", width="100%", height=PLOT, role="img", aria_label=told)


def front(spots: Sequence[Spot]) -> list[Spot]:
    """Those that may be taken and that no other beats in both, the cheapest first."""
    found: list[Spot] = []
    for spot in sorted((spot for spot in spots if not spot.out), key=lambda spot: (spot.across.value, -spot.up.value)):
        if not found or spot.up.value > found[-1].up.value:
            found.append(spot)
    return found


def _front(spots: Sequence[Spot], place: Callable[[Spot], tuple[float, float]]) -> Iterator[Html]:
    best = front(spots)
    for one, other in pairwise(best):
        (x1, y1), (x2, y2) = place(one), place(other)
        yield el("line", x1=f"{x1:.2f}%", x2=f"{x2:.2f}%", y1=f"{y1:.1f}", y2=f"{y2:.1f}", class_="front")


def _cross(spot: Spot, wide: Axis, tall: Axis) -> Iterator[Html]:
    x, y = 8 + wide.at(spot.across.value) * 0.9, _height(tall, spot.up.value)
    left, right = (8 + wide.at(value) * 0.9 for value in (spot.across.low, spot.across.high))
    low, high = _height(tall, spot.up.low), _height(tall, spot.up.high)
    class_ = f"whisker t{spot.number % len(SHAPES)}"
    yield el("line", x1=f"{x:.2f}%", x2=f"{x:.2f}%", y1=f"{low:.1f}", y2=f"{high:.1f}", class_=class_)
    yield el("line", x1=f"{left:.2f}%", x2=f"{right:.2f}%", y1=f"{y:.1f}", y2=f"{y:.1f}", class_=class_)


def _names(spots: Sequence[Spot], places: Sequence[tuple[float, float]]) -> Iterator[Html]:
    """Beside their marks, and under one another where those are close."""
    taken: list[tuple[float, float]] = []
    for (x, y), spot in sorted(zip(places, spots, strict=True), key=lambda pair: pair[0][1]):
        at = y - 6
        while any(abs(x - other) < NEAR and abs(at - height) < GAP for other, height in taken):
            at += 1
        taken.append((x, at))
        end = x > 62
        words = el("text", spot.name, x=-10 if end else 10, y=4, class_=("name" if end else "") + " strong" * spot.strong)
        yield el("svg", words, x=f"{x:.2f}%", y=f"{at:.1f}", overflow="visible")


def _height(axis: Axis, value: float) -> float:
    return TOP + (100 - axis.at(value)) / 100 * (PLOT - TOP - 26)


def _placed(x: float, y: float, number: int, *, hollow: bool) -> Html:
    shape = el("path", d=SHAPES[number % len(SHAPES)], class_=f"mark t{number % len(SHAPES)}{' hollow' * hollow}")
    return el("svg", shape, x=f"{x:.2f}%", y=f"{y:.1f}", overflow="visible")


def _upright(x: float, height: float, class_: str) -> Html:
    return el("line", x1=f"{x:.2f}%", x2=f"{x:.2f}%", y1=0, y2=height, class_=class_)
