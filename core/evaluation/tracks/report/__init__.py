"""The report on a run: what people look at, and what must be true before anybody acts on it."""

from core.evaluation.tracks.report.checks import checks, failed

__all__ = ["checks", "failed"]
