"""The oracle finds each fault that is planted, and only that; in what is right it finds nothing."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bots.kit.contract import REPEAT
from core.memory import Conversation, Exchange
from core.records import Part, Receipt, Turn
from tests.reliability.history import Gone, History, Record, Said, Shown, read
from tests.reliability.oracle import FAULTS, Verdict, judge

SORRY = "I am sorry, that did not work."


class Talk:
    """A conversation as it goes; each thing happens a second after the one before."""

    def __init__(self, channel: str = "telegram", conversation: str = "7") -> None:
        self.key = channel, conversation
        self.records: list[Record] = []

    def say(self, *tokens: str, accepted: bool = True) -> "Talk":
        self.records += [Said(*self.key, token, accepted, len(self.records) + 1.0) for token in tokens]
        return self

    def show(self, *texts: str, growing: bool = False) -> "Talk":
        for text in texts:
            place = len(self.records)
            self.records.append(Shown(*self.key, f"m{place}", text, place + 1.0, growing))
        return self


def piece(token: str, place: int = 1, of: int = 1) -> str:
    return f"some words ‹{token} {place}/{of}›"


def whole(*tokens: str, of: int = 2) -> str:
    return "\n\n".join(piece(token, place, of) for token in tokens for place in range(1, of + 1))


def found(verdict: Verdict) -> dict[str, list[str]]:
    """The tokens of what was found, by kind."""
    return {kind: [finding.token for finding in getattr(verdict, kind)] for kind in FAULTS if getattr(verdict, kind)}


RIGHT = {
    "answers in order": Talk().say("a", "b").show(whole("a"), whole("b")),
    "an answer in two messages": Talk().say("a").show(piece("a", 1, 2), piece("a", 2, 2)),
    "a burst answered together": Talk().say("a", "b").show(whole("a", "b")),
    "an honest failure for each": Talk().say("a", "b", "c").show(SORRY, whole("b"), SORRY),
    "a marked repeat on Telegram": Talk().say("a").show(piece("a", 1, 2), REPEAT + piece("a", 1, 2), piece("a", 2, 2)),
    "a marked message whose first try never came": Talk().say("a").show(REPEAT + whole("a")),
    "a marked repeat of an honest failure": Talk().say("a", "b").show(SORRY, REPEAT + SORRY, whole("b")),
    "another honest failure after that": Talk().say("a", "b").show(SORRY, REPEAT + SORRY, "Sorry, that neither."),
    "a refused question, not answered": Talk().say("a", accepted=False).say("b").show(whole("b")),
    "a refused question, answered": Talk().say("a", accepted=False).say("b").show(whole("b"), whole("a")),
    "a refused question, failed": Talk().say("a", accepted=False).say("b").show(whole("b"), SORRY),
}
WRONG = {
    "lost": ({"lost": ["b"]}, Talk().say("a", "b", "c").show(whole("a"), whole("c"))),
    "all lost": ({"lost": ["a", "b"]}, Talk().say("a", "b")),
    "doubled": ({"doubled": ["a"]}, Talk().say("a").show(whole("a"), whole("a"))),
    "doubled later": ({"doubled": ["a"]}, Talk().say("a", "b").show(whole("a"), whole("b"), whole("a"))),
    "marked where the platform can be asked": (
        {"doubled": ["a"]},
        Talk("slack").say("a").show(whole("a"), REPEAT + whole("a")),
    ),
    "repeated twice": ({"doubled": ["a"]}, Talk().say("a").show(whole("a"), REPEAT + whole("a"), REPEAT + whole("a"))),
    "marked first, then not": ({"doubled": ["a"]}, Talk().say("a").show(REPEAT + whole("a"), whole("a"))),
    "repeated later": ({"inverted": ["a"]}, Talk().say("a", "b").show(whole("a"), whole("b"), REPEAT + whole("a"))),
    "refused, and answered twice": ({"doubled": ["a"]}, Talk().say("a", accepted=False).show(whole("a"), whole("a"))),
    "a piece twice in one message": ({"doubled": ["a"]}, Talk().say("a").show(piece("a", 1, 2) + whole("a"))),
    "messages inverted": ({"inverted": ["a"]}, Talk().say("a", "b").show(whole("b"), whole("a"))),
    "pieces inverted": ({"inverted": ["a"]}, Talk().say("a").show(piece("a", 2, 2), piece("a", 1, 2))),
    "one answer within another": (
        {"inverted": ["a"]},
        Talk().say("a", "b").show(piece("a", 1, 2), whole("b"), piece("a", 2, 2)),
    ),
    "an honest failure at another's place": ({"inverted": ["a"]}, Talk().say("a", "b").show(whole("b"), SORRY)),
    "a half as a whole": ({"half": ["a"]}, Talk().say("a", "b").show(piece("a", 1, 2), whole("b"))),
    "the end only": ({"half": ["a"]}, Talk().say("a").show(piece("a", 2, 2))),
    "left growing": ({"half": ["a"]}, Talk().say("a").show(piece("a", 1, 2), growing=True)),
    "left growing without a word": ({"half": [""]}, Talk().say("a").show("…", growing=True).show(whole("a"))),
    "an honest failure for two": ({"lost": ["b"]}, Talk().say("a", "b", "c").show(SORRY, whole("c"))),
    "an honest failure too many": ({"doubled": [""]}, Talk().say("a").show(whole("a"), SORRY)),
    "an answer to nobody": ({"mixed": ["x"]}, Talk().say("a").show(whole("a"), whole("x"))),
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_is_right_is_clean(case: str) -> None:
    assert found(judge(RIGHT[case].records)) == {}


@pytest.mark.parametrize("case", WRONG)
def test_each_fault_is_found_for_what_it_is(case: str) -> None:
    expected, talk = WRONG[case]
    verdict = judge(talk.records)
    assert found(verdict) == expected
    assert not verdict.clean
    assert "NOT CLEAN" in str(verdict)


def test_an_answer_in_anothers_conversation_is_mixed_and_lost() -> None:
    here, there = Talk().say("a").show(whole("a")), Talk("telegram", "8").say("b")
    here.show(whole("b"))
    verdict = judge([*there.records, *here.records])
    assert found(verdict) == {"lost": ["b"], "mixed": ["b"]}
    assert "belongs to telegram 8" in str(verdict)


def test_what_a_message_became_counts_at_the_place_where_it_began() -> None:
    begun = Talk().say("a", "b").show("…", growing=True).show(whole("b"))
    grown = Shown("telegram", "7", "m2", whole("a"), 9.0)
    assert judge([*begun.records, grown]).clean


def test_an_answer_removed_again_is_lost_and_a_preview_removed_is_not() -> None:
    talk = Talk().say("a").show("…", growing=True).show(whole("a"))
    assert judge([*talk.records, Gone("telegram", "7", "m1", 9.0)]).clean
    removed = [Gone("telegram", "7", "m1", 9.0), Gone("telegram", "7", "m2", 9.0)]
    assert found(judge([*talk.records, *removed])) == {"lost": ["a"]}


def test_questions_on_their_way_at_the_same_time_have_no_order() -> None:
    early, late = Said("slack", "D1", "a", True, 5.0, since=1.0), Said("slack", "D1", "b", True, 4.0, since=2.0)
    shown = Talk("slack", "D1").show(whole("b"), whole("a")).records
    assert judge([late, early, *shown]).clean
    assert found(judge([replace(late, at=6.0, since=5.5), early, *shown])) == {"inverted": ["a"]}


def test_one_honest_answer_stands_for_a_burst_only_where_bursts_are_answered_together() -> None:
    talk = Talk("web").say("a", "b").show(SORRY)
    assert judge(talk.records, joins={"web"}).clean
    assert found(judge(talk.records)) == {"lost": ["b"]}


def test_the_counts_are_told() -> None:
    talk = Talk().say("a", "b", "c").show(whole("a"), SORRY, whole("c"), REPEAT + whole("c"))
    verdict = judge(talk.records)
    assert (verdict.messages, verdict.honest, verdict.repeats) == (3, 1, 1)
    assert "clean: 3 messages" in str(verdict)


def turn(id: str, prev: int, upto: int, *, outcome: str = "answered") -> Turn:
    return Turn(
        id=id,
        channel="web",
        lane="L",
        events=(id,),
        upto=upto,
        prev=prev,
        asked=f"ask {id}",
        parts=(Part(text=f"answer {id}"),),
        outcome=outcome,  # type: ignore[arg-type]
    )


def remembered(at: int, *ids: str, seen: Sequence[str] = ()) -> Conversation:
    exchanges = tuple(Exchange(turn=id, asked=f"ask {id}", answered=f"answer {id}", tokens=3) for id in ids)
    return Conversation(lane="L", at=at, exchanges=exchanges, seen=tuple(seen or ids))


LOG = [(3, turn("a", 0, 1)), (5, turn("b", 3, 2)), (8, turn("c", 5, 3, outcome="dead")), (9, turn("d", 8, 7))]


@pytest.mark.parametrize(
    "memory",
    [
        remembered(9, "a", "b", "d", seen=["a", "b", "c", "d"]),
        remembered(9, "b", "d", seen=["c", "d"]),
        remembered(8, "a", "b", seen=["a", "b", "c"]),
    ],
)
def test_memory_may_lag_and_let_go_of_the_oldest(memory: Conversation) -> None:
    assert judge([], turns=LOG, memories=[memory]).clean


@pytest.mark.parametrize(
    "memory",
    [
        remembered(9, "a", "d", seen=["c", "d"]),
        remembered(9, "b", "d", "d", seen=["c", "d"]),
        remembered(9, "d", "b", seen=["c", "d"]),
        remembered(9, "b", "d", seen=["b", "d"]),
        remembered(9, seen=["d"]),
        remembered(4, "a"),
        remembered(12, "d"),
    ],
)
def test_memory_that_says_other_than_the_log_is_found(memory: Conversation) -> None:
    assert found(judge([], turns=LOG, memories=[memory])) == {"memory": [""]}


@pytest.mark.parametrize("last", [turn("e", 8, 9), turn("e", 9, 7), turn("a", 9, 9)])
def test_a_log_that_is_no_line_is_found(last: Turn) -> None:
    assert found(judge([], turns=[*LOG, (12, last)])) == {"memory": [""]}


def test_an_intent_without_a_receipt_is_found_and_one_followed_by_the_next_is_not() -> None:
    def receipt(state: str, upto: int = 1) -> tuple[str, str, Receipt]:
        return "telegram", "L", Receipt(turn="a", upto=upto, state=state)  # type: ignore[arg-type]

    assert judge([], receipts=[receipt("intent"), receipt("intent"), receipt("done")]).clean
    assert found(judge([], receipts=[receipt("done"), receipt("intent", 2)])) == {"unresolved": [""]}
    assert found(judge([], receipts=[receipt("sent")])) == {"unresolved": [""]}


def test_a_history_survives_the_kill_of_who_wrote_it(tmp_path: Path) -> None:
    records = [*Talk().say("a").show(whole("a")).records, Gone("telegram", "7", "m1", 3.0)]
    with History(tmp_path / "h.jsonl") as history:
        for record in records:
            history.add(record)
    with (tmp_path / "h.jsonl").open("ab") as file:
        file.write(b'{"type": "sh')
    assert read(tmp_path / "h.jsonl") == records


# Random histories


def some_history(dice: random.Random) -> dict[tuple[str, str], list[tuple[str, list[str]]]]:
    """Clean: by conversation, its questions with the texts that answer each."""
    names = iter(f"t{number}" for number in range(1000))
    talks = [(channel, str(number)) for channel in ("telegram", "slack", "web") for number in range(2)]
    return {talk: [answered(next(names), dice) for _ in range(dice.randint(2, 6))] for talk in talks}


def answered(token: str, dice: random.Random) -> tuple[str, list[str]]:
    of = dice.randint(2, 4)
    pieces = [piece(token, place, of) for place in range(1, of + 1)]
    cut = dice.randint(1, of)
    return token, ["\n\n".join(pieces[:cut]), *pieces[cut:]]


def play(talks: dict[tuple[str, str], list[tuple[str, list[str]]]], dice: random.Random) -> list[Record]:
    """The conversations as one history, woven at random; questions come alone or in bursts."""
    lines: list[list[Record]] = []
    for (channel, conversation), told in talks.items():
        burst = dice.random() < 0.5
        said: list[Record] = [Said(channel, conversation, token, True, 0.0) for token, _ in told]
        shown: list[list[Record]] = [
            [Shown(channel, conversation, f"{place}.{part}", text, 0.0) for part, text in enumerate(texts)]
            for place, (_, texts) in enumerate(told)
        ]
        weave = [said, *shown] if burst else [[one, *after] for one, after in zip(said, shown, strict=True)]
        lines.append([record for group in weave for record in group])
    woven: list[Record] = []
    while any(lines):
        woven.append(dice.choice([line for line in lines if line]).pop(0))
    return woven


Told = list[tuple[str, list[str]]]


def lose(told: Told, place: int) -> None:
    told[place][1].clear()


def double(told: Told, place: int) -> None:
    told[place][1].append(told[place][1][-1])


def invert(told: Told, place: int) -> None:
    told[place], told[place - 1] = (told[place][0], told[place - 1][1]), (told[place - 1][0], told[place][1])


def halve(told: Told, place: int) -> None:
    texts = told[place][1]
    texts[-1] = "\n\n".join(texts[-1].split("\n\n")[:-1]) or texts.pop(-2)


PLANTS: dict[str, Callable[[Told, int], None]] = {"lost": lose, "doubled": double, "inverted": invert, "half": halve}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_a_random_history_is_clean_and_one_planted_fault_is_found(seed: int) -> None:
    dice = random.Random(seed)
    talks = some_history(dice)
    assert judge(play(talks, dice)).clean
    kind, key = dice.choice(list(PLANTS)), dice.choice(list(talks))
    place = dice.randrange(1, len(talks[key]))
    token = talks[key][place][0]
    PLANTS[kind](talks[key], place)
    (finding,) = [(kind, one) for kind in FAULTS for one in getattr(judge(play(talks, dice)), kind)]
    assert finding[0] == kind
    assert (finding[1].channel, finding[1].conversation) == key
    assert finding[1].token in (token, talks[key][place - 1][0] if kind == "inverted" else token)
