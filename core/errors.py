"""Every error Turnout raises on purpose. The class docstring is the message where none is given.

TurnoutError                what a user or operator can be shown
├── ConfigError             settings, the assistant file: names the key and the fix
├── RecordError             bytes that are no valid record
├── BusError                NATS
│   ├── Unavailable         nobody answers, or not in time; try again later
│   ├── Full                a stream takes no more (discard new); the platform retries
│   └── Conflict            the subject moved on: someone else committed first
├── StoreUnavailable        Redis, or what holds the passages
├── CannotServe             a track cannot answer this turn; the route's next one is asked
├── ModelError              the model failed; `retry` says whether a second try may help
└── SendError               a platform did not take a message
    ├── NotSent             safe: nothing left this machine
    ├── RateLimited         safe: `after` seconds to wait
    ├── Refused             permanent: the platform said no (blocked, deleted, malformed)
    └── Ambiguous           the message may have been shown
"""


class TurnoutError(Exception):
    """Something went wrong."""

    def __str__(self) -> str:
        return super().__str__() or (self.__class__.__doc__ or "")


class ConfigError(TurnoutError):
    """The configuration cannot be used."""


class RecordError(TurnoutError):
    """These bytes are no valid record."""


class BusError(TurnoutError):
    """The message bus failed."""


class Unavailable(BusError):
    """Nobody answered in time."""


class Full(BusError):
    """The stream takes no more messages."""


class Conflict(BusError):
    """Someone else wrote to this subject first."""


class StoreUnavailable(TurnoutError):
    """Redis does not answer."""


class CannotServe(TurnoutError):
    """This track cannot answer."""


class NothingFound(CannotServe):
    """Nothing that is known answers this; with `more`, nothing that all who would hear it may read."""

    def __init__(self, message: str = "", *, more: bool = False) -> None:
        super().__init__(message)
        self.more = more


class ModelError(TurnoutError):
    """The model failed."""

    def __init__(self, message: str = "", *, retry: bool = False, after: float | None = None) -> None:
        super().__init__(message)
        self.retry, self.after = retry, after


class SendError(TurnoutError):
    """The platform did not take the message."""


class NotSent(SendError):
    """Nothing was sent."""


class RateLimited(SendError):
    """The platform asks to slow down."""

    def __init__(self, message: str = "", *, after: float) -> None:
        super().__init__(message)
        self.after = after


class Refused(SendError):
    """The platform refuses this message for good."""


class Ambiguous(SendError):
    """The connection broke after the message may have been taken."""
