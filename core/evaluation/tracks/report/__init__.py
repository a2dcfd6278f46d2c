"""The report on a run: what people look at, and what must be true before anybody acts on it.

`checks` (of `asked`, `standing`, `marks`, `recount`) say whether a run may be believed. `page` draws it: `headline` with
`policies`, `decided`, `compared`, `intents`, `evidence`, `appendix`; with `measures`, `charts`, `html` and `words` they draw
and speak.
"""

from core.evaluation.tracks.report.checks import checks, failed
from core.evaluation.tracks.report.page import page

__all__ = ["checks", "failed", "page"]
