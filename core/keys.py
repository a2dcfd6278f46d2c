"""Every id, Redis key and subject that names a lane or a service is built here, so that none carries a person's data.

Ids are keyed hashes (HMAC-SHA256 with the installation's secret, 20 hex characters): the same act gives the same id, and
nobody without the secret can turn an id back into a chat or a person.
"""

import hashlib
import hmac
from dataclasses import dataclass

DIALOG = "dialog"
"""The durable consumer of IN through which the core works."""

EVALUATION = "eval"
"""The channel of questions that measure: nobody's conversation, so nothing counts, learns or remembers them."""


@dataclass(frozen=True, slots=True)
class Keys:
    secret: bytes

    def _hash(self, *names: str) -> str:
        text = "\x1f".join(names).encode()
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()[:20]

    def lane(self, channel: str, account: str, conversation: str, thread: str = "") -> str:
        """The id of one conversation's ordered line."""
        return self._hash("lane", channel, account, conversation, thread)

    def event(self, channel: str, account: str, native: str) -> str:
        """The id of one act, from the platform's own id of it."""
        return self._hash("event", channel, account, native)

    def person(self, channel: str, account: str, native: str) -> str:
        return self._hash("person", channel, account, native)


def into(channel: str, lane: str) -> str:
    """Subject in IN of what people do."""
    return f"in.{channel}.{lane}"


def log(channel: str, lane: str) -> str:
    """Subject in LOG of a lane's committed turns."""
    return f"log.{channel}.{lane}"


def sent(channel: str, lane: str) -> str:
    """Subject in SENT of a lane's delivery receipts."""
    return f"sent.{channel}.{lane}"


def dead(channel: str, lane: str) -> str:
    return f"dead.{channel}.{lane}"


def live(channel: str, lane: str) -> str:
    """Core NATS subject of an answer while it is made."""
    return f"live.{channel}.{lane}"


def hook(channel: str) -> str:
    """Request subject on which a channel answers webhook calls that the web service received."""
    return f"hook.{channel}"


def members(channel: str) -> str:
    """Request subject on which a channel says who is in a group."""
    return f"members.{channel}"


def health(service: str) -> str:
    return f"health.{service}"


def metrics(service: str) -> str:
    return f"metrics.{service}"


def siblings(service: str, replica: str) -> str:
    """Core NATS subject on which the replicas of a service tell each other what they count; `*` hears all."""
    return f"siblings.{service}.{replica}"


def routes(number: int | None = None) -> str:
    """Key of a version of the routes, as a subject of the bucket KV_turnout; None: of all."""
    return f"$KV.turnout.routes.{'*' if number is None else number}"


def lane_of(subject: str) -> tuple[str, str]:
    """(channel, lane) of a stream subject."""
    _, channel, lane = subject.split(".")
    return channel, lane


def lease(stream: str, lane: str) -> str:
    """Redis key of the lease on a lane of one stream; the braces keep its keys in one cluster slot."""
    return f"turnout:lease:{stream}:{{{lane}}}"


def memory(lane: str) -> str:
    return f"turnout:memory:{{{lane}}}"


ALIVE = "turnout:alive"
"""Redis key that is written to see whether it takes writes."""
