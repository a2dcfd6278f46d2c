"""What every table of the assistant file is: frozen, and closed to keys that nobody knows."""

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
