"""What measuring is told by the assistant file: what things cost, what counts how much, and what no track may do."""

from typing import Literal

from pydantic import Field

from core.assistant.table import Table


class Price(Table):
    """`[models.prices.NAME]`, in `measure.currency`: for a million tokens read (`prompt`) and written (`completion`), for each
    `call`, and once for `training`, which the next `turns` turns share and which took so many `hours`."""

    prompt: float = Field(0, ge=0)
    completion: float = Field(0, ge=0)
    call: float = Field(0, ge=0)
    training: float = Field(0, ge=0)
    turns: int = Field(100_000, ge=1)
    hours: float = Field(0, ge=0)


class Person(Table):
    """`[measure.person]`: what it costs and takes when a person answers instead, as the owner assumes it; and what a `minute`
    of a person's time costs, by which answers that people gave are measured."""

    cost: float = Field(0, ge=0)
    seconds: float = Field(0, ge=0)
    minute: float | None = Field(None, ge=0)


class Measure(Table):
    """`[measure]`: how tracks are compared. `cost`, `second`, `stale`: how many points of quality (0 to 1) a unit of money, a
    second of waiting and an outdated answer are worth. Hard constraints, 0: none: `max_cost` a turn, `max_p95` seconds,
    `min_citations`, `min_support`, `max_banned` answers with a phrase of `banned`, `max_unserved` (a share). `cases`: the
    fewest real questions an intent is judged on; `margin`: how much worse is still not worse; `least`: the smallest difference
    worth knowing; `cheaper`: the share of cost or time that must be saved. `claims`: by what facts are found in an answer."""

    currency: str = "EUR"
    cost: float = Field(0, ge=0)
    second: float = Field(0, ge=0)
    stale: float = Field(0.5, ge=0)
    max_cost: float = Field(0, ge=0)
    max_p95: float = Field(0, ge=0)
    min_citations: float = Field(0, ge=0, le=1)
    min_support: float = Field(0, ge=0, le=1)
    banned: tuple[str, ...] = ()
    max_banned: int = Field(0, ge=0)
    max_unserved: float = Field(0.05, ge=0, le=1)
    cases: int = Field(50, ge=2)
    margin: float = Field(0.04, gt=0, lt=1)
    least: float = Field(0.05, gt=0, lt=1)
    cheaper: float = Field(0.2, gt=0, lt=1)
    claims: Literal["words", "embeddings"] = "words"
    judge: str = Field("", description="a model that judges claims, of another family than any track's")
    person: Person | None = None
