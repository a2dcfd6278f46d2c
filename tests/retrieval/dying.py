"""A process that kills itself in the middle of a step, as a crash would."""

import os
import signal
from typing import Any


def die(target: Any, step: str, when: str, nth: int) -> None:
    """At the nth call of a method, `before` it or after it."""
    original, calls = getattr(target, step), []

    def dying(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == nth and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        done = original(*args)
        if len(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    setattr(target, step, dying)
