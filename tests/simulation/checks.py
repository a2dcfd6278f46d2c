"""What must hold: of the streams at every moment, of the whole once it has settled."""

from collections import defaultdict
from collections.abc import Callable, Iterator

from core import keys
from core.dead import DeadEvent
from core.errors import RecordError
from core.records import Event, Receipt, Turn, decode

FINAL = ("done", "dropped")


class Streams:
    """Hears of every message stored and holds each lane to its order. `wrong` says what was broken, `when` lists by (stream, lane)
    the times of what was stored, `events` by lane the sequence and id of what came in, `came` the time of each."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.wrong: list[str] = []
        self.turns: list[tuple[int, Turn]] = []
        self.receipts: list[tuple[str, str, Receipt]] = []
        self.dead: list[DeadEvent] = []
        self.when: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.events: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self.came: dict[int, float] = {}
        self.last: dict[str, tuple[int, Turn]] = {}
        self.answered: dict[str, int] = {}
        self.sent: dict[str, Receipt] = {}

    def stored(self, subject: str, data: bytes, seq: int) -> None:
        stream, (channel, lane) = subject.partition(".")[0], keys.lane_of(subject)
        self.when[stream, lane].append(self._now())
        if stream == "in":
            self.came[seq] = self._now()
            self.events[lane].append((seq, _event(seq, data)))
        elif stream == "log":
            turn = decode(Turn, data)
            self.turns.append((seq, turn))
            self.wrong += [f"{self._now():.3f} LOG {lane} {seq}: {what}" for what in self._turn(seq, turn)]
        elif stream == "sent":
            receipt = decode(Receipt, data)
            self.receipts.append((channel, lane, receipt))
            self.wrong += [f"{self._now():.3f} SENT {lane} {seq}: {what}" for what in self._receipt(lane, receipt)]
        elif stream == "dead":
            self.dead.append(decode(DeadEvent, data))

    def _turn(self, seq: int, turn: Turn) -> Iterator[str]:
        at, before = self.last.get(turn.lane, (0, None))
        if before is not None and turn.upto <= before.upto:
            yield f"event {turn.upto} is answered after {before.upto}"
        if turn.prev != at:
            yield f"follows {turn.prev}, not {at}"
        for event in turn.events:
            if event in self.answered:
                yield f"{event} is committed again, first at {self.answered[event]}"
            self.answered[event] = seq
        self.last[turn.lane] = (seq, turn)

    def _receipt(self, lane: str, receipt: Receipt) -> Iterator[str]:
        before = self.sent.get(lane)
        self.sent[lane] = receipt
        if before is None:
            return
        if receipt.upto < before.upto or (receipt.upto == before.upto and before.state in FINAL):
            yield f"{receipt.state} of turn {receipt.upto} after {before.state} of {before.upto}"
        elif receipt.upto > before.upto and before.state not in FINAL:
            yield f"turn {receipt.upto} is begun while {before.upto} stands at {before.state}"
        elif receipt.upto == before.upto and receipt.part < before.part:
            yield f"message {receipt.part} of turn {receipt.upto} after {before.part}"


def _event(seq: int, data: bytes) -> str:
    try:
        return decode(Event, data).id
    except RecordError:
        return f"in{seq}"
