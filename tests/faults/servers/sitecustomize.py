"""A wall clock that can be set: the processes of a town that were started with TOWN_CLOCK see what that file says.

Python imports this by itself where it is on the path. The clock that timers run by is another, and is left alone.
"""

import mmap
import os
import struct
import time
from collections.abc import Callable


def _ahead_by(path: str) -> Callable[[], float]:
    """The true time plus the seconds that stand in the file."""
    true = time.time
    with open(path, "rb") as file:
        seconds = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)
    return lambda: float(true() + struct.unpack("d", seconds[:8])[0])


if "TOWN_CLOCK" in os.environ:
    time.time = _ahead_by(os.environ["TOWN_CLOCK"])
