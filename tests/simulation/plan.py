"""What a seed draws: who says what when, and which faults strike. Each seed has only some kinds of fault, so that rare ones are
not drowned by common ones, and one seed in ten has none."""

from dataclasses import dataclass, replace
from random import Random

from tests.simulation.net import Storm

CHANNELS = ("telegram", "slack", "web")
SERVERS = ("bus", "store", "platform")
BLOWS = ("kill", "freeze", "stop", "flush", "wipe", "redeliver", "again")
LATE = 610.0


@dataclass(frozen=True, slots=True)
class Word:
    """Something a person does. `kind`: `plain`; `feedback` wants no answer; `poison` makes every try fail; `deadly` kills the
    process that works on it; `garbage` is no event at all."""

    at: float
    lane: str
    channel: str
    token: str
    kind: str = "plain"


@dataclass(frozen=True, slots=True)
class Blow:
    """A fault at one moment. `target` picks a process or a message among those there are; `seconds`: how long a frozen process
    sleeps, or a killed one is gone."""

    at: float
    kind: str
    target: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Mood:
    """How a model behaves: seconds an answer takes, and how often it cannot serve, breaks, or hangs."""

    seconds: float
    unable: float = 0.0
    broken: float = 0.0
    hangs: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    calm: bool
    horizon: float
    cores: int
    overlap: dict[str, str]
    previews: bool
    words: tuple[Word, ...]
    storms: tuple[Storm, ...]
    blows: tuple[Blow, ...]
    mood: Mood
    paces: dict[str, float]
    twice: float


def draw(seed: int, without: frozenset[str] = frozenset()) -> Plan:
    """What a seed draws, less the faults named: a server, a kind of blow, a kind of word (`deadly`), `previews`,
    `twice`. The rest stays as it was drawn."""
    rng = Random(seed)
    calm = rng.random() < 0.1
    channels = sorted(rng.sample(CHANNELS, rng.choice((1, 1, 2, 2, 3))))
    horizon = rng.uniform(6.0, 25.0)
    overlap = {channel: rng.choice(("queue", "queue", "merge", "interrupt")) for channel in channels}
    words = _words(rng, channels, horizon, calm)
    storms, blows = ((), ()) if calm else (_storms(rng, horizon), _blows(rng, horizon))
    late = bool(blows) and rng.random() < 0.04
    if late:
        blows = (*blows, *(Blow(LATE + rng.uniform(0, 20), "again", rng.random(), 0.0) for _ in range(3)))
    return Plan(
        seed=seed,
        calm=calm,
        horizon=LATE + 25.0 if late else horizon,
        cores=rng.choice((2, 3) if calm else (1, 2, 3)),
        overlap=overlap,
        previews="previews" not in without,
        words=tuple(replace(word, kind="plain") if word.kind in without else word for word in words),
        storms=tuple(storm for storm in storms if storm.server not in without),
        blows=tuple(sorted((blow for blow in blows if blow.kind not in without), key=lambda blow: blow.at)),
        mood=Mood(rng.choice((0.05, 0.3, 1.0))) if calm else _mood(rng),
        paces={server: 0.002 if calm else rng.choice((0.0005, 0.002, 0.02, 0.06)) for server in SERVERS},
        twice=0.0 if rng.random() < 0.5 or "twice" in without else rng.choice((0.1, 0.5)),
    )


def _words(rng: Random, channels: list[str], horizon: float, calm: bool) -> tuple[Word, ...]:
    bad = "" if calm or rng.random() < 0.8 else rng.choice(("poison", "poison", "deadly", "garbage"))
    words = []
    for talk in range(rng.randint(2, 5)):
        channel, at = rng.choice(channels), rng.uniform(0.0, horizon / 2)
        hurry = rng.choice((0.05, 0.4, 3.0))
        for place in range(rng.randint(1, 6)):
            kind = "feedback" if rng.random() < 0.05 else "plain"
            if bad and talk == 0 and place == 1:
                kind = bad
            words.append(Word(min(at, horizon), f"{channel}{talk}", channel, f"t{talk}x{place}", kind))
            at += rng.expovariate(1 / hurry)
    return tuple(sorted(words, key=lambda word: word.at))


def _storms(rng: Random, horizon: float) -> tuple[Storm, ...]:
    storms = []
    for server in SERVERS:
        for kind in ("refused", "dropped", "deaf", "slow"):
            if rng.random() < 0.2:
                storms.append(Storm(server, kind, 0.0, horizon, rng.choice((0.01, 0.05, 0.15))))
    for kind in ("limited", "picky"):
        if rng.random() < 0.2:
            storms.append(Storm("limits", kind, 0.0, horizon, rng.choice((0.05, 0.3))))
    for _ in range(rng.choice((0, 0, 1, 2))):
        start, kind = rng.uniform(0.0, horizon), rng.choice(("refused", "dropped", "deaf"))
        storms.append(Storm(rng.choice(SERVERS), kind, start, min(horizon, start + rng.choice((0.5, 2.0, 7.0, 15.0))), 1.0))
    return tuple(storms)


def _blows(rng: Random, horizon: float) -> tuple[Blow, ...]:
    kinds = rng.sample(BLOWS, rng.randint(1, 4))
    return tuple(
        Blow(rng.uniform(0.1, horizon), rng.choice(kinds), rng.random(), rng.choice((0.3, 1.0, 4.0, 9.0, 16.0)))
        for _ in range(rng.choice((0, 1, 2, 3, 5)))
    )


def _mood(rng: Random) -> Mood:
    chances = (0.0, 0.0, 0.05, 0.3)
    return Mood(
        rng.choice((0.05, 0.4, 1.5, 4.0)), rng.choice(chances), rng.choice((0.0, 0.0, 0.0, 0.1)), rng.choice(chances) / 2
    )
