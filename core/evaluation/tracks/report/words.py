"""How the report says things: money, times, shares, lists of names."""

from collections.abc import Sequence

TOLD = 3


def some(names: Sequence[str], what: str) -> str:
    """How many, and the first of them: "5 questions (a, b, c, …)"."""
    first = ", ".join(names[:TOLD]) + (", …" if len(names) > TOLD else "")
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'} ({first})"
