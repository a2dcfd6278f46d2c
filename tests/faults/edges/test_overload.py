"""More than can be answered: what is accepted is answered, the rest is refused honestly, and nobody else waits much longer."""

import asyncio
import time

import httpx

from core.bus import Bus
from core.records import Event, decode, encode
from tests.bots.web_rig import Talk
from tests.fakes.openai_server import Asked, Reply
from tests.faults.edges.seen import Diary
from tests.faults.edges.town import Town, answered, town

SECONDS, A_SECOND, CAPACITY = 6, 80, 8  # the minute, scaled: ten times what the model can answer
BACKLOGS = {"web": 12, "telegram": 3, "slack": 3}
POLICIES = "".join(f"[channels.{name}]\nbacklog = {most}\n" for name, most in BACKLOGS.items())
OTHERS, EACH, TIMES, FLOOD = 8, 4, 50, "flood"


async def posted(diary: Diary, talk: Talk, refusals: list[httpx.Response]) -> None:
    token = diary.token()
    response = await talk.post(token, f"about #{token}")
    diary.say("web", talk.session, token, accepted=response.status_code == 202)
    if response.status_code != 202:
        refusals.append(response)


async def test_at_ten_times_the_load_what_is_accepted_is_answered_and_the_rest_refused_honestly(
    servers, bus, store, tmp_path
) -> None:
    async with town(servers, tmp_path, more=POLICIES) as place:
        slow_down(place)
        place.slack.pauses = (0.5,) * 200
        diary, refusals = Diary(place), list[httpx.Response]()
        talks = [await diary.session() for _ in range(40)]
        async with asyncio.TaskGroup() as crowd:
            for number in range(SECONDS * A_SECOND):
                crowd.create_task(posted(diary, talks[number % len(talks)], refusals))
                if number % A_SECOND == A_SECOND // 2:
                    say_elsewhere(place, diary, number)
                await asyncio.sleep(1 / A_SECOND)
        verdict = await diary.verdict(bus)
        assert verdict.clean, str(verdict)
        assert verdict.honest == 0
        told = {(one.status_code, one.json()["error"], "retry-after" in one.headers) for one in refusals}
        assert told == {(503, "full", True)}
        assert 0 < len(refusals) < SECONDS * A_SECOND
        assert 503 in place.telegram.statuses
        assert 503 in [delivery.status for delivery in place.slack.deliveries]
        print(f"offered {len(diary.said)}, accepted {verdict.messages}, refused {len(refusals)}")


def slow_down(place: Town) -> None:
    """A model that answers CAPACITY questions a second, whoever asks."""
    due = [0.0]

    def answer(asked: Asked) -> Reply:
        now = time.monotonic()
        due[0] = max(now, due[0] + 1 / CAPACITY)
        return Reply(answered(asked), delay=due[0] - now)

    place.model.otherwise(answer)


def say_elsewhere(place: Town, diary: Diary, number: int) -> None:
    """Somebody writes on Telegram and somebody in Slack: both platforms ask again until they are heard."""
    place.telegram.say(number + 1, f"about #{(token := diary.token())}")
    diary.say("telegram", str(number + 1), token)
    place.slack.say(f"D{number}", "U1", f"about #{(token := diary.token())}")
    diary.say("slack", f"D{number}", token)


async def asks(place: Town, diary: Diary, talk: Talk, waits: list[int]) -> None:
    """One after another, each as soon as the one before is answered; notes how many answers the flooder got meanwhile."""
    async with talk.events() as events:
        for _ in range(EACH):
            token, before = diary.token(), flooded(place)
            diary.say("web", talk.session, token)
            await talk.say(token, f"about #{token}")
            await events.until("reply")
            waits.append(flooded(place) - before)


def flooded(place: Town) -> int:
    """How many of the flooder's questions the model was asked so far."""
    return sum(FLOOD in asked.question for asked in place.model.asked)


async def everybody_asks(place: Town, diary: Diary) -> list[int]:
    waits: list[int] = []
    talks = [await diary.session() for _ in range(OTHERS)]
    async with asyncio.TaskGroup() as people:
        for talk in talks:
            people.create_task(asks(place, diary, talk, waits))
    return sorted(waits)


async def floods(bus: Bus, diary: Diary) -> None:
    """One person writes TIMES as much as everybody else, at once, past the web's own limit on how fast one may write."""
    talk = await diary.session()
    diary.say("web", talk.session, token := diary.token())
    await talk.say(token, f"about #{token}")
    last = await bus.last("IN", "in.web.*")
    assert last
    event = decode(Event, last.data)
    for _ in range(TIMES * EACH):
        diary.say("web", talk.session, token := diary.token())
        again = Event(id=f"flood-{token}", channel="web", lane=event.lane, text=f"{FLOOD} #{token}", at=event.at)
        await bus.publish(last.subject, encode(again), id=again.id)


async def test_one_who_writes_fifty_times_as_much_makes_nobody_else_wait_much_longer(servers, bus, store, tmp_path) -> None:
    async with town(servers, tmp_path, channels="") as place:
        place.model.otherwise(lambda asked: Reply(answered(asked), delay=0.3))
        diary = Diary(place)
        flood = asyncio.create_task(floods(bus, diary))
        while not flooded(place):
            await asyncio.sleep(0.01)
        waits = await everybody_asks(place, diary)
        assert flooded(place) < TIMES * EACH, "the flood was over before anybody else had asked"
        await flood
        place.model.otherwise(answered)
        verdict = await diary.verdict(bus)
        assert verdict.clean, str(verdict)
        print(f"answers of the flooder in one wait of another: {waits[len(waits) // 2]} (median), {waits[-1]} (most)")
        assert waits[int(len(waits) * 0.95)] <= 3, "others wait for the flooder's line, not for one answer"
