"""The faults: what can be done to a fleet and to the outside, and a seeded plan of them.

A fault has a name (`kill core/a`), is done by `begin`, lasts some seconds where it can last, and is undone by `end`.
"""

import random
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import redis

from tests.fakes.openai_server import Answer, OpenAIServer, Reply, bad_json, cut, failing, hanging, rate_limited, stalling
from tests.fakes.slack_server import Fault as SlackFault
from tests.reliability.fleet import SERVERS, Fleet
from tests.reliability.platforms import SeenSlack, SeenTelegram

HALF = "one two three four five six seven eight"


@dataclass(frozen=True)
class Fault:
    """`seconds` from its beginning to its end. `family` is what the short run takes one of each of."""

    name: str
    family: str
    begin: Callable[[], object]
    end: Callable[[], object] = lambda: None
    seconds: float = 0.0


@dataclass
class Catalogue:
    """Makes faults with the dice it is given."""

    fleet: Fleet
    telegram: SeenTelegram
    slack: SeenSlack
    model: OpenAIServer
    dice: random.Random

    @property
    def families(self) -> dict[str, Callable[[], Fault]]:
        return {
            "kill": self.kill,
            "freeze": self.freeze,
            "restart": self.restart,
            "flush": self.flush,
            "wire": self.wire,
            "platform": self.platform,
            "model": self.model_fault,
        }

    def plan(self) -> Iterator[Fault]:
        """For ever: killing and wires more often, for there are more of them."""
        families = self.families
        weights = {"kill": 4, "wire": 4, "freeze": 3, "platform": 3, "model": 3, "restart": 2}
        while True:
            (family,) = self.dice.choices(list(families), [weights.get(name, 1) for name in families])
            yield families[family]()

    def _targets(self) -> list[list[str]]:
        """One process, a server, or all replicas of a service."""
        services = ("web", "telegram", "slack", "core")
        single = [[f"{service}/{replica}"] for service in services for replica in "ab" if service in self.fleet.twice]
        both = [[f"{service}/a", f"{service}/b"] for service in services if service in self.fleet.twice]
        return [*single, *both, ["retrieval/a"], *([server] for server in SERVERS)]

    def kill(self) -> Fault:
        names = self.dice.choice(self._targets())
        return Fault(f"kill {' + '.join(names)}", "kill", partial(self.fleet.signal, names, signal.SIGKILL))

    def restart(self) -> Fault:
        names = self.dice.choice(self._targets())
        return Fault(f"restart {' + '.join(names)}", "restart", partial(self.fleet.signal, names, signal.SIGTERM))

    def freeze(self) -> Fault:
        names = self.dice.choice(self._targets())
        stop, go = (partial(self.fleet.signal, names, number) for number in (signal.SIGSTOP, signal.SIGCONT))
        return Fault(f"freeze {' + '.join(names)}", "freeze", stop, go, self.dice.uniform(1, 10))

    def flush(self) -> Fault:
        return Fault("flush redis", "flush", self._flush)

    def _flush(self) -> None:
        with redis.from_url(self.fleet.servers.redis_url, socket_timeout=2) as client:
            client.flushall()

    def wire(self) -> Fault:
        """Between half of the fleet and a server, or between all of it and the outside."""
        name = self.dice.choice(list(self.fleet.proxies))
        proxy, seconds = self.fleet.proxies[name], self.dice.uniform(1, 8)
        ways: dict[str, Callable[[], object]] = {
            "deaf": lambda: setattr(proxy, "deaf", True),
            "freeze": proxy.freeze,
            "slow": lambda: proxy.slow(delay=0.25),
            "cut": proxy.cut,
        }
        if name in ("nats", "redis", "openai"):
            ways["refuse"] = lambda: (setattr(proxy, "refuse", True), proxy.cut())
        way = self.dice.choice(list(ways))

        def heal() -> None:
            """What a deaf wire swallowed is missing in the middle of a stream, so its connections end."""
            if proxy.deaf:
                proxy.cut()
            proxy.heal()

        return Fault(f"{way} {name}", "wire", ways[way], heal, 0.0 if way == "cut" else seconds)

    def platform(self) -> Fault:
        return self.dice.choice((self._of_telegram, self._of_slack))()

    def _of_telegram(self) -> Fault:
        """Of what leaves open whether a message arrived, one at a time: Telegram cannot be asked, and a repeat is sent once."""
        kind = self.dice.choice(("limit", "drop", "delay", "hang up", "error"))
        times = 1 if kind in ("hang up", "error") else self.dice.randint(1, 5)
        fault = partial(self.telegram.fault, "sendMessage", kind, self.dice.randint(1, 3), times=times)
        return Fault(f"{kind} telegram", "platform", fault)

    def _of_slack(self) -> Fault:
        kinds: dict[str, SlackFault] = {
            "limit": SlackFault(after=self.dice.randint(1, 3)),
            "error": SlackFault(status=500),
            "hang up": SlackFault(drop="before"),
            "drop": SlackFault(drop="after"),
            "delay": SlackFault(delay=self.dice.uniform(1, 5)),
        }
        kind = self.dice.choice(list(kinds))
        method = self.dice.choice(("chat.postMessage", "chat.postMessage", "chat.update", "conversations.history"))
        faults: Sequence[SlackFault] = [kinds[kind]] * self.dice.randint(1, 5)
        return Fault(f"{kind} slack", "platform", lambda: self.slack.fail(method, *faults))

    def model_fault(self) -> Fault:
        kinds: dict[str, Answer] = {
            "500": failing(500),
            "429": rate_limited("1"),
            "429 without a time": rate_limited(),
            "hang": hanging(),
            "stall": stalling(HALF, after=3),
            "cut": cut(HALF, after=3),
            "empty": Reply(""),
            "bad json": bad_json(HALF, after=3),
        }
        kind = self.dice.choice(list(kinds))
        times = self.dice.randint(1, 10)
        return Fault(f"{kind} model", "model", lambda: self.model.next(*[kinds[kind]] * times))
