"""L-BFGS: the minimum of a smooth convex function, from its value and gradient (Nocedal and Wright, chapter 7)."""

from collections import deque
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]
Objective = Callable[[Vector], tuple[float, Vector]]


def minimise(objective: Objective, start: Vector, *, tolerance: float = 1e-5, steps: int = 300, memory: int = 6) -> Vector:
    """The place where no entry of the gradient is larger than `tolerance`, or the best one found after `steps`."""
    pairs: deque[tuple[Vector, Vector, float]] = deque(maxlen=memory)
    here = start
    value, gradient = objective(here)
    for _ in range(steps):
        if float(np.abs(gradient).max(initial=0.0)) <= tolerance:
            break
        direction = _direction(gradient, pairs)
        slope = float(gradient @ direction)
        length = 1.0 if pairs else 1.0 / max(1e-12, float(np.abs(gradient).sum()))
        for _ in range(30):
            there = here + np.float32(length) * direction
            new_value, new_gradient = objective(there)
            if new_value <= value + 1e-4 * length * slope:
                break
            length /= 2
        else:
            break  # no step makes it smaller: this is as exact as the arithmetic gets
        step, change = there - here, new_gradient - gradient
        curvature = float(step @ change)
        if curvature > 1e-12:
            pairs.append((step, change, curvature))
        here, value, gradient = there, new_value, new_gradient
    return here


def _direction(gradient: Vector, pairs: deque[tuple[Vector, Vector, float]]) -> Vector:
    """Downhill, bent by what the last steps taught about the curvature."""
    direction = -gradient
    parts = []
    for step, change, curvature in reversed(pairs):
        part = float(step @ direction) / curvature
        direction = direction - np.float32(part) * change
        parts.append(part)
    if pairs:
        _, change, curvature = pairs[-1]
        direction = direction * np.float32(curvature / float(change @ change))
    for (step, change, curvature), part in zip(pairs, reversed(parts), strict=True):
        direction = direction + np.float32(part - float(change @ direction) / curvature) * step
    return direction
