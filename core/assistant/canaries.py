"""What a roll-out is told by the assistant file: how fast a canary's share grows, and how much worse canaries may be."""

from pydantic import Field

from core.assistant.table import Table


class CanaryTable(Table):
    """`[canary]`. `steps`: the shares of conversations, the last one everybody; each lasts `turns` counted turns and `hours` at
    least. How much worse canaries may be than the others, in shares of turns: `unserved`, `passed_on` (by the route's first
    track), `down` (of all thumbs), and `beyond`, the share of answers that may lie beyond what is late (the others' 95th
    percentile × `slower`, and at least `seconds` more) or dear (its tokens × `dearer`)."""

    steps: tuple[float, ...] = (0.05, 0.25, 0.5, 1.0)
    turns: int = Field(100, ge=10)
    hours: float = Field(1.0, ge=0)
    unserved: float = Field(0.02, ge=0, lt=1)
    passed_on: float = Field(0.05, ge=0, lt=1)
    down: float = Field(0.10, ge=0, lt=1)
    beyond: float = Field(0.05, ge=0, lt=1)
    slower: float = Field(1.25, ge=1)
    seconds: float = Field(0.5, ge=0)
    dearer: float = Field(1.5, ge=1)

    @property
    def misfit(self) -> str:
        """What is wrong with the steps, in words; "": nothing."""
        rising = all(before < after for before, after in zip((0.0, *self.steps), self.steps, strict=False))
        if len(self.steps) < 2 or not rising or self.steps[-1] != 1:
            return "must rise from a share of conversations to 1, everybody, for example [0.05, 0.25, 0.5, 1]"
        return ""
