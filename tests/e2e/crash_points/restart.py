"""`turnout up` of the test build: what dies is started again after half a second each time, not ever later; a hundred processes
die here in a few minutes, on purpose."""

from core import children
from core.supervisor import up

__all__ = ["up"]
children.LONGEST_DELAY = children.FIRST_DELAY
