"""Whatever the model does, people see a whole answer, a spare track's, or an honest sentence; never half an answer as a whole."""

import asyncio
from dataclasses import replace

import pytest

from tests.bots.web_rig import Talk
from tests.fakes import openai_server as scripted
from tests.fakes.openai_server import Asked, Reply
from tests.faults.edges.seen import Diary
from tests.faults.edges.town import Town, pieces, town, until

SPARE = '[tracks]\nspare = "tests.faults.edges.spare:chain"\n'
SHORT = {"first_token_seconds": 3, "between_tokens_seconds": 2, "whole_answer_seconds": 6}
LONG = {"first_token_seconds": 30, "between_tokens_seconds": 30, "whole_answer_seconds": 90}
SORRY = "I cannot answer that right now."
HALF = 7  # words, of the eleven that make an answer
FAULTS = {
    "slowdown": scripted.rate_limited(),
    "slowdownlong": scripted.rate_limited("60"),
    "broken": scripted.failing(500),
    "away": scripted.failing(503),
    "silent": scripted.hanging(),
    "stalls": Reply(hang_after=HALF),
    "stallspinging": Reply(hang_after=HALF, ping=0.1),
    "cut": Reply(cut_after=HALF),
    "endless": Reply("word " * 20_000, pace=0.02),
    "empty": Reply(),
    "huge": Reply(" ".join(["word" * 5000] * 500)),
    "nojson": Reply(raw="data: {not json\n\n", raw_after=HALF),
    "error": Reply(raw='data: {"error": {"message": "overloaded"}}\n\n', raw_after=HALF),
    "unfinished": Reply(finish=None, done=False),
}
WHOLE = {
    "noutf8": Reply(raw=b'data: {"choices": [{"index": 0, "delta": {"content": "\xff\xfe"}}]}\n\n', raw_after=HALF),
    "slowdownshort": scripted.rate_limited("0.1"),
}


def by_fault(place: Town) -> None:
    """The model fails as the question says; a fault that passes is over at the second try."""

    def answer(asked: Asked) -> Reply:
        kind = asked.question.split()[0]
        again = sum(other.question == asked.question for other in place.model.asked) > 1
        reply = Reply() if again and kind == "slowdownshort" else (FAULTS | WHOLE)[kind]
        return reply if reply.text or kind == "empty" else replace(reply, text=pieces(asked.question))

    place.model.otherwise(answer)


async def ask_everywhere(place: Town, diary: Diary, number: int, fault: str) -> None:
    """The same question in a private chat, a group, a direct message, a channel of Slack's and on the web page."""
    ask = f"{fault} about #"
    for chat in (number, -number):
        place.telegram.say(chat, f"{'@turnout_bot ' if chat < 0 else ''}{ask}{(token := diary.token())}", user=number)
        diary.say("telegram", str(chat), token)
    diary.say("slack", f"D{number}", token := diary.token())
    place.slack.say(f"D{number}", "U1", ask + token)
    root = place.slack.say(f"C{number}", "U1", f"<@U0BOT> {ask}{(token := diary.token())}")
    diary.say("slack", f"C{number}{root}", token)
    talk = await diary.session()
    diary.say("web", talk.session, token := diary.token())
    await talk.say(token, ask + token)


@pytest.mark.parametrize("route", ["prompt", "prompt, spare"])
async def test_each_fault_ends_in_a_whole_answer_or_an_honest_one(servers, bus, store, tmp_path, route) -> None:
    async with town(servers, tmp_path, more=SPARE, route=route.split(", "), deadlines=SHORT) as place:
        by_fault(place)
        diary = Diary(place)
        for number, fault in enumerate(FAULTS, 1):
            await ask_everywhere(place, diary, number, fault)
        verdict = await diary.verdict(bus)
        assert verdict.clean, str(verdict)
        assert verdict.honest == (0 if "spare" in route else 5 * len(FAULTS))
        texts = [shown.text for shown in diary.shown() if "‹" not in shown.text]
        assert set(texts) <= {SORRY}


async def test_a_fault_that_passes_ends_in_a_whole_answer(servers, bus, store, tmp_path) -> None:
    async with town(servers, tmp_path, deadlines=LONG) as place:
        by_fault(place)
        diary = Diary(place)
        for number, fault in enumerate(WHOLE, 1):
            await ask_everywhere(place, diary, number, fault)
        verdict = await diary.verdict(bus)
        assert verdict.clean, str(verdict)
        assert verdict.honest == 0


async def watched(talk: Talk, token: str, half: asyncio.Event) -> list[str]:
    """What the page shows of an answer: each text it stood at, from the stream's deltas to the reply."""
    texts: list[str] = []
    async with talk.events() as events:
        while (told := await events.next()).name != "reply":
            if told.name == "delta":
                texts.append(told.data["text"] if told.data["n"] == 0 else texts[-1] + told.data["text"])
                if f"{token} 1/2›" in texts[-1]:
                    half.set()
        return [*texts, told.data["text"]]


@pytest.mark.parametrize("route", ["prompt", "prompt, spare"])
async def test_half_an_answer_that_people_already_see_is_replaced(servers, bus, store, tmp_path, route) -> None:
    async with town(servers, tmp_path, more=SPARE, route=route.split(", "), deadlines=LONG) as place:
        place.model.otherwise(lambda asked: Reply(pieces(asked.question), hang_after=HALF))
        diary = Diary(place)
        tokens = [diary.token() for _ in range(3)]
        talk = await diary.session()
        for token, channel, conversation in zip(tokens, ("telegram", "slack", "web"), ("7", "D1", talk.session), strict=True):
            diary.say(channel, conversation, token)
        seen = asyncio.Event()
        page = asyncio.create_task(watched(talk, tokens[2], seen))
        place.telegram.say(7, f"about #{tokens[0]}")
        place.slack.say("D1", "U1", f"about #{tokens[1]}")
        await talk.say("m1", f"about #{tokens[2]}")
        await until(lambda: any("1/2›" in draft for draft in place.telegram.drafts[7]))
        await until(lambda: any("1/2›" in message.shown for message in place.slack.shown("D1")))
        await seen.wait()
        await place.model.__aexit__()  # the server dies, and nobody answers at its address any more
        verdict = await diary.verdict(bus)
        assert verdict.clean, str(verdict)
        assert verdict.honest == (0 if "spare" in route else 3)
        (message,) = place.slack.shown("D1")
        assert any("1/2›" in version for version in message.versions[:-1]), "the same message that held the half"
        assert (await page)[-1] == next(shown.text for shown in diary.replies)
