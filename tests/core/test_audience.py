"""Who hears an answer, and what may therefore be in it."""

import pytest

from core.assistant import Assistant
from core.audience import Audiences, Reader
from core.dialog.tracks.contract import Answer
from core.keys import Keys
from core.memory import Conversation, Exchange, LocalMemory, only
from core.records import Event, Ground, Part
from tests.core.turn_world import World

KEYS = Keys(b"a secret")
GROUPS = {"C1": ("U1", "U2"), "C2": ("U1", "U3"), "C3": ("U1", "U2", "U3"), "C4": None}
FILE = {
    "assistant": {"name": "Test", "default_route": ["rag"]},
    "audiences": [
        {"name": "staff", "channels": ["slack"]},
        {"name": "board", "people": ["slack:U1", "slack:U2", "telegram:4711"]},
        {"name": "finance", "groups": ["slack:C2", "telegram:-100"]},
    ],
    "knowledge": {"sources": [{"name": "minutes", "at": "minutes", "audience": ["board"]}]},
}


async def roster(channel, account, group):
    people = GROUPS.get(group) if (channel, account) == ("slack", "T1") else None
    return people and frozenset(KEYS.person(channel, account, user) for user in people)


def said(user, group, channel="slack", account="T1"):
    author = KEYS.person(channel, account, user)
    return Event(id="1", channel=channel, lane="a", author=author, account=account, group=group)


def measured(*audiences: str, channel: str = "eval") -> Event:
    return Event(id="1", channel=channel, lane="a", group="", audiences=audiences)


async def heard(*events, file=FILE) -> Reader:
    return await Audiences(Assistant.model_validate(file), KEYS, roster).reader(events)


@pytest.mark.parametrize(
    ("event", "everyone", "alone"),
    [
        (said("U1", ""), {"staff", "board", "finance"}, {"staff", "board", "finance"}),
        (said("U2", ""), {"staff", "board"}, {"staff", "board"}),
        (said("U3", ""), {"staff", "finance"}, {"staff", "finance"}),
        (said("U9", ""), {"staff"}, {"staff"}),
        (said("U1", "C1"), {"staff", "board"}, {"staff", "board", "finance"}),
        (said("U1", "C2"), {"staff", "finance"}, {"staff", "board", "finance"}),
        (said("U1", "C3"), {"staff"}, {"staff", "board", "finance"}),
        (said("U1", "C4"), {"staff"}, {"staff", "board", "finance"}),
        (said("U1", None), {"staff"}, {"staff", "board", "finance"}),
        (said("U9", "C1"), {"staff"}, {"staff"}),
        (said("4711", "", "telegram", "42"), {"board"}, {"board"}),
        (said("4711", "-100", "telegram", "42"), {"finance"}, {"board"}),
        (said("4711", "-200", "telegram", "42"), set(), {"board"}),
        (said("4711", None, "telegram", "42"), set(), {"board"}),
        (said("U1", "", "web", ""), set(), set()),
        (said("U1", "", "slack", "T2"), {"staff"} | {"board"}, {"staff"} | {"board"}),
        (measured("board"), {"board"}, {"board"}),
        (measured("board", "gone"), {"board"}, {"board"}),
        (measured(), set(), set()),
        (measured("board", channel="web"), set(), set()),
    ],
)
async def test_a_group_hears_what_all_of_it_may_read_and_a_person_what_they_may(event, everyone, alone):
    reader = await heard(event)
    assert (set(reader.audiences), set(reader.alone)) == (everyone, alone)


async def test_of_a_burst_by_several_people_all_must_be_allowed():
    reader = await heard(said("U1", ""), said("U3", ""))
    assert reader.audiences == {"staff", "finance"}


async def test_the_file_of_now_narrows_what_was_written_on_a_passage_earlier():
    reader = await heard(said("U3", ""))
    assert reader.may_read(Ground(origin="minutes", audience=())) is False
    assert reader.may_read(Ground(origin="elsewhere", audience=("finance", "board"))) is True
    assert reader.may_read(Ground(origin="elsewhere", audience=("board",))) is False
    assert Reader().may_read(Ground()) is True


def test_memory_gives_up_what_may_not_be_read_any_more():
    secret, open_ = Ground(audience=("board",)), Ground()
    exchanges = tuple(
        Exchange(turn=str(n), asked="?", answered=str(n), tokens=1, grounds=grounds)
        for n, grounds in enumerate([(), (open_,), (open_, secret)])
    )
    conversation = Conversation(lane="a", exchanges=exchanges, summary="They said…", summed=(secret,), seen=("1",))
    assert only(conversation, Reader(frozenset({"board"})).may_read) is conversation
    left = only(conversation, Reader().may_read)
    assert ([one.answered for one in left.exchanges], left.summary, left.seen) == (["0", "1"], "", ("1",))


SECRET = Ground(origin="minutes", audience=("board",))


class Boardroom(World):
    """Every answer rests on the minutes, and the model is told what was said before."""

    def __init__(self, tmp_path) -> None:
        super().__init__(tmp_path)
        self.told: list = []
        self.first, self.readers = self.from_the_minutes, self.allowed
        self.board = frozenset({"board"})

    async def from_the_minutes(self, ask, means, say) -> Answer:
        self.told.append(([one.asked for one in ask.conversation.exchanges], ask.conversation.summary))
        return Answer((Part(text=f"secret {ask.text}"),), grounds=(SECRET,) if ask.reader.audiences else ())

    async def allowed(self, _events) -> Reader:
        return Reader(self.board, self.board)


@pytest.mark.parametrize("kept", [True, False], ids=["from memory", "from the log"])
async def test_after_a_revocation_the_model_is_told_nothing_restricted_that_was_said(tmp_path, kept):
    world = Boardroom(tmp_path)
    async with world.core():
        for number in range(6):  # more than memory keeps word for word: a summary has begun
            await world.say(f"m{number}")
            (*_, turn) = await world.turns(number + 1)
    assert "secret" in world.told[-1][1]
    assert turn.grounds == (SECRET,)
    world.board = frozenset()
    async with world.core(memory=world.memory if kept else LocalMemory()):
        await world.say("afterwards")
        await world.turns(7)
        await world.say("and then")
        await world.turns(8)
    assert world.told[-2:] == [([], ""), (["afterwards"], "")]


async def test_what_is_said_of_a_restricted_answer_is_as_restricted(tmp_path):
    world = Boardroom(tmp_path)
    async with world.core():
        await world.say("first")
        await world.turns(1)
        world.first = world.remembers
        await world.say("repeat that")
        *_, turn = await world.turns(2)
    assert (turn.text, turn.grounds) == ("echo repeat that after ['first']", (SECRET,))
