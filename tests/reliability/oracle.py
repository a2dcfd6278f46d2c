"""The oracle: was anything lost, doubled, out of order, mixed up, or half shown as whole?

A question holds a unique `#token`; the scripted model answers it in pieces, each ending in a mark `‹token i/n›` (a burst that
is answered together: the pieces of each of its tokens, in order). So all is seen from the visible text alone:

- every accepted question is answered whole, or by exactly one *honest* answer (one without a mark) at its place;
- a question that was not accepted may be answered or not, never twice;
- answers stand in the order of the questions, pieces in theirs, and no answer within another;
- no message holds a token of another conversation, none is left growing;
- a message may be shown twice only where the platform cannot be asked (`MAY_REPEAT`), once, at its place, and marked.

The stores are judged against each other: a lane's memory against its log (`turns`), and the receipts for sends left open.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bots.kit.contract import REPEAT
from core.memory import Conversation
from core.records import Receipt, Turn
from tests.reliability.history import Gone, Record, Said, Shown, read
from tests.reliability.stores import differing, open_sends

MARK = re.compile(r"‹(\w+)\s+(\d+)/(\d+)›")
MAY_REPEAT = frozenset({"telegram"})
HONEST, SPARE = "an honest answer", "an honest answer again"
LEFT_GROWING = "is left growing for ever"
FAULTS = ("lost", "doubled", "inverted", "mixed", "half", "memory", "unresolved")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `token`: the question it is about, "" where it is about none."""

    channel: str
    conversation: str
    token: str
    what: str

    def __str__(self) -> str:
        return f"{self.channel} {self.conversation}: {f'#{self.token} ' if self.token else ''}{self.what}"


@dataclass
class Verdict:
    """What is wrong, by kind, and what was counted. `repeats`: messages marked as a possible repeat. `messages`: accepted."""

    lost: list[Finding] = field(default_factory=list)
    doubled: list[Finding] = field(default_factory=list)
    inverted: list[Finding] = field(default_factory=list)
    mixed: list[Finding] = field(default_factory=list)
    half: list[Finding] = field(default_factory=list)
    memory: list[Finding] = field(default_factory=list)
    unresolved: list[Finding] = field(default_factory=list)
    messages: int = 0
    repeats: int = 0
    honest: int = 0

    @property
    def clean(self) -> bool:
        return not any(getattr(self, kind) for kind in FAULTS)

    def __str__(self) -> str:
        counts = ", ".join(f"{len(getattr(self, kind))} {kind}" for kind in FAULTS)
        head = f"{'clean' if self.clean else 'NOT CLEAN'}: {self.messages} messages, {counts}"
        tail = f"{self.repeats} marked repeats, {self.honest} honest failures"
        found = [f"  {kind}: {finding}" for kind in FAULTS for finding in getattr(self, kind)]
        return "\n".join([f"{head}; {tail}", *found])


def judge(
    history: Iterable[Record],
    *,
    turns: Iterable[tuple[int, Turn]] = (),
    memories: Iterable[Conversation] = (),
    receipts: Iterable[tuple[str, str, Receipt]] = (),
    joins: Collection[str] = (),
) -> Verdict:
    """`turns` with their log sequences, in order; `receipts` as (channel, lane, receipt), in order. `joins`: channels that answer
    a burst together, where one honest answer stands for one or more questions."""
    verdict, talks = Verdict(), _talks(history)
    homes = {said.token: key for key, talk in talks.items() for said in talk.said}
    for (channel, _), talk in talks.items():
        _Judge(verdict, talk, homes, joins=channel in joins).judge()
    lines = list(turns)
    verdict.memory += [Finding(*wrong) for wrong in differing(lines, memories)]
    verdict.unresolved += [Finding(*wrong) for wrong in open_sends(receipts)]
    return verdict


@dataclass
class _Talk:
    """A conversation: its questions, one a token, and the messages that stand at the end, in place."""

    channel: str
    conversation: str
    asked: dict[str, Said] = field(default_factory=dict)
    messages: dict[str, Shown] = field(default_factory=dict)

    @property
    def said(self) -> Collection[Said]:
        return self.asked.values()

    def take(self, record: Record) -> None:
        match record:
            case Said():
                if record.accepted or record.token not in self.asked:
                    self.asked[record.token] = record
            case Shown():
                self.messages[record.message] = record
            case Gone():
                self.messages.pop(record.message, None)


def _talks(history: Iterable[Record]) -> dict[tuple[str, str], _Talk]:
    talks: dict[tuple[str, str], _Talk] = {}
    for record in history:
        key = record.channel, record.conversation
        talks.setdefault(key, _Talk(*key)).take(record)
    return talks


@dataclass(frozen=True)
class _Answer:
    """A message that stands as whole: its marks as (token, piece, of how many); none: an honest one. `marked`: it is, or has, a
    repeat. `spare`: an honest answer that may be the repeat of the one before or stand for a question of its own."""

    marks: tuple[tuple[str, int, int], ...]
    text: str
    marked: bool
    spare: bool = False

    @property
    def tokens(self) -> list[str]:
        return list(dict.fromkeys(token for token, _, _ in self.marks))


def _answer(shown: Shown) -> _Answer:
    text, sign = shown.text.strip(), REPEAT.strip()
    marks = tuple((token, int(place), int(of)) for token, place, of in MARK.findall(text))
    return _Answer(marks, text.removeprefix(sign).strip(), text.startswith(sign))


class _Judge:
    """Judges one conversation."""

    def __init__(self, verdict: Verdict, talk: _Talk, homes: dict[str, tuple[str, str]], *, joins: bool) -> None:
        self.verdict, self.talk, self.homes, self.joins = verdict, talk, homes, joins
        self.asked = talk.asked
        order = {said.token: place for place, said in enumerate(talk.said)}
        self.handed = {said.token: (said.since or said.at, order[said.token]) for said in talk.said}
        self.accepted = {said.token: (said.at, order[said.token]) for said in talk.said if said.accepted}
        self.begun: set[str] = set()

    def find(self, kind: str, token: str, what: str) -> None:
        getattr(self.verdict, kind).append(Finding(self.talk.channel, self.talk.conversation, token, what))

    def judge(self) -> None:
        answers = [self._own(_answer(shown)) for shown in self.talk.messages.values() if not self._grows(shown)]
        answers = self._without_repeats([answer for answer in answers if answer is not None])
        self.verdict.messages += len(self.accepted)
        self._wholes(answers)
        line = self._line(answers)
        self._order(line)
        self._honest(line)

    def _grows(self, shown: Shown) -> bool:
        if not shown.growing:
            return False
        tokens = _answer(shown).tokens
        self.begun.update(tokens)
        self.find("half", tokens[0] if tokens else "", LEFT_GROWING)
        return True

    def _own(self, answer: _Answer) -> _Answer | None:
        """Without what belongs to others."""
        for token in answer.tokens:
            if token not in self.asked:
                home = self.homes.get(token)
                whose = f"belongs to {' '.join(home)}" if home else "answers nobody"
                self.find("mixed", token, f"is shown here, but {whose}")
        marks = tuple(mark for mark in answer.marks if mark[0] in self.asked)
        return replace(answer, marks=marks) if marks or not answer.marks else None

    def _without_repeats(self, answers: list[_Answer]) -> list[_Answer]:
        """Each message once. A marked repeat stands right after what it repeats, and is the only one."""
        kept: list[_Answer] = []
        for answer in answers:
            before = kept[-1] if kept else None
            again = before is not None and (before.marks, before.text) == (answer.marks, answer.text)
            if answer.marked:
                self._repeat(answer)
            if again and answer.marked and not before.marked:
                kept[-1] = replace(before, marked=True)
                kept += [] if answer.marks else [replace(answer, spare=True)]
            elif answer.marks and any(set(answer.marks) <= set(other.marks) for other in kept):
                kind, what = (
                    ("inverted", "is repeated at another place")
                    if answer.marked and not again
                    else ("doubled", "is shown again")
                )
                self.find(kind, answer.tokens[0], what)
            else:
                kept.append(answer)
        return kept

    def _repeat(self, answer: _Answer) -> None:
        self.verdict.repeats += 1
        if self.talk.channel not in MAY_REPEAT:
            self.find("doubled", "".join(answer.tokens[:1]), "is marked as a repeat where the platform could be asked")

    def _wholes(self, answers: list[_Answer]) -> None:
        """Each answer holds all its pieces, once, in order."""
        pieces: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for token, place, of in (mark for answer in answers for mark in answer.marks):
            pieces[token].append((place, of))
        self.begun.update(pieces)
        for token, found in pieces.items():
            places, most = [place for place, _ in found], max(of for _, of in found)
            if set(places) != set(range(1, most + 1)) or len({of for _, of in found}) > 1:
                self.find("half", token, f"shows the pieces {sorted(set(places))} of {most} as a whole")
            if len(set(places)) < len(places):
                self.find("doubled", token, f"shows a piece twice: {places}")
            elif places != sorted(places):
                self.find("inverted", token, f"shows its pieces in the order {places}")

    def _line(self, answers: list[_Answer]) -> list[str]:
        """The tokens as they are answered one after another; HONEST and SPARE where an answer has none. One that comes again
        later was broken into by another."""
        line: list[str] = []
        for answer in answers:
            if not answer.marks:
                self.verdict.honest += not answer.spare
                line.append(SPARE if answer.spare else HONEST)
            for token in (mark[0] for mark in answer.marks):
                if token in line and line[-1] != token:
                    self.find("inverted", token, f"is broken into by {line[-1]}")
                elif token not in line:
                    line.append(token)
        return line

    def _order(self, line: list[str]) -> None:
        """No answer stands before that of a question accepted before its own was handed over."""
        latest: tuple[tuple[float, int], str] = ((float("-inf"), -1), "")
        for token in line:
            if token not in self.accepted:
                continue
            if self.accepted[token] < latest[0]:
                self.find("inverted", token, f"is answered after #{latest[1]}, which was asked later")
            latest = max(latest, (self.handed[token], token))

    def _honest(self, line: list[str]) -> None:
        """Each honest answer stands for one question that nothing else answers, at its place."""
        waiting = [token for token in self.accepted if token not in self.begun]
        windows = [(kind, self._window(line, place)) for place, kind in enumerate(line) if kind in (HONEST, SPARE)]
        over = 0
        for kind, window in sorted(windows, key=lambda found: found[0] == SPARE):  # it takes only what no other stands for
            fitting = next((token for token in waiting if self._fits(token, window)), None)
            over += fitting is None and kind == HONEST
            waiting = [token for token in waiting if token != fitting]
        if self.joins:
            waiting = [token for token in waiting if not any(self._fits(token, window) for _, window in windows)]
        unasked = sum(1 for token in self.asked if token not in self.accepted and token not in self.begun)
        misplaced = min(len(waiting), over)
        for token in waiting[:misplaced]:
            self.find("inverted", token, "has its honest answer at another place")
        for token in waiting[misplaced:]:
            self.find("lost", token, "was accepted and never answered")
        for _ in range(over - misplaced - unasked):
            self.find("doubled", "", "has one honest answer more than questions")

    def _window(self, line: Sequence[str], place: int) -> tuple[tuple[float, int], tuple[float, int]]:
        """What the answers around a place leave open: accepted after the first, handed over before the second."""
        before = [self.handed[token] for token in line[:place] if token in self.accepted]
        after = [self.accepted[token] for token in line[place:] if token in self.accepted]
        return max(before, default=(float("-inf"), -1)), min(after, default=(float("inf"), -1))

    def _fits(self, token: str, window: tuple[tuple[float, int], tuple[float, int]]) -> bool:
        return self.accepted[token] > window[0] and self.handed[token] < window[1]


if __name__ == "__main__":
    print(judge(read(Path(sys.argv[1])), joins=sys.argv[2:] or ("slack", "web")))
