"""What a route in shadow answered, beside what people were answered."""

from collections.abc import Sequence

import numpy as np

from core import keys
from core.bus import Bus
from core.policy.routes import Routes
from core.records import Turn
from core.routes import history

Pair = tuple[Turn, Turn]
"""(in shadow, really)."""


def shadow_id(version: Routes, turn: str) -> str:
    """The id of the event that asks a turn's question again."""
    return f"shadow-{version.number}-{turn}"


async def pairs(bus: Bus, version: Routes) -> list[Pair]:
    """Every question that was asked again, with what became of it on either side."""
    real: dict[str, Turn] = {}
    found: list[Pair] = []
    async for turn in history.turns(bus, version.log):
        if turn.channel != keys.EVALUATION and turn.prev == 0:
            real[shadow_id(version, turn.id)] = turn
        elif turn.id in real:
            found.append((turn, real.pop(turn.id)))
    return found


def told(found: Sequence[Pair]) -> str:
    """How the shadow fared beside what was real, in one line."""
    if not found:
        return "in shadow: no question was asked again yet"
    shadow, real = zip(*found, strict=True)
    same = sum(one.text == other.text for one, other in found)
    return (
        f"in shadow: {len(found)} questions asked again; not served {_unserved(shadow)} (really {_unserved(real)}), "
        f"p95 {_late(shadow):.2f} s (really {_late(real):.2f} s), "
        f"tokens a turn {_tokens(shadow):.0f} (really {_tokens(real):.0f}), word for word the same {same}"
    )


def _unserved(turns: Sequence[Turn]) -> int:
    return sum(turn.outcome == "dead" or turn.track == "none" for turn in turns)


def _late(turns: Sequence[Turn]) -> float:
    return float(np.quantile([turn.timings.get("total", 0.0) / 1000 for turn in turns], 0.95))


def _tokens(turns: Sequence[Turn]) -> float:
    return float(np.mean([turn.usage.prompt_tokens + turn.usage.completion_tokens for turn in turns]))
