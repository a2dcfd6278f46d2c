"""Contact: whether a channel's platform can be reached, told from how the channel's own calls fare."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.errors import Ambiguous, NotSent, RateLimited, Refused

PATIENCE = 5.0  # seconds of failing calls before it is said; a single one says nothing


class Contact:
    """A refusal and a rate limit are answers: whoever gives them is there."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since, self._failed, self._why = 0.0, 0, ""

    @property
    def away(self) -> str:
        """Why the platform has not been reached for a while, "" where it was."""
        return self._why if self._failed > 1 and self._clock() - self._since >= PATIENCE else ""

    @contextmanager
    def call(self) -> Iterator[None]:
        """Around a call on the platform, or several."""
        try:
            yield
        except (NotSent, Ambiguous) as error:
            self.missed(str(error))
            raise
        except (RateLimited, Refused):
            self.reached()
            raise
        self.reached()

    def reached(self) -> None:
        self._failed, self._why = 0, ""

    def missed(self, why: str) -> None:
        self._since = self._since if self._failed else self._clock()
        self._failed, self._why = self._failed + 1, why
