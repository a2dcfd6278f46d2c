"""An answer that is made far faster than a platform takes it: shown whole in the end, in few calls and bounded memory."""

import os
from pathlib import Path

from tests.fakes.openai_server import Asked, Reply
from tests.fakes.slack_server import Fault
from tests.faults.edges.seen import Diary
from tests.faults.edges.town import TOKENS, Town, town

TALKS, WORDS, PIECES = 8, 4000, 40
MOST = 150 * 2**20  # bytes; what is told takes a tenth of it


def long_answer(asked: Asked) -> Reply:
    """Some 24 kB, each word a token of its own, as fast as they can be sent."""
    (token,) = TOKENS.findall(asked.question)
    words = "word " * (WORDS // PIECES)
    return Reply("\n\n".join(f"{words} ‹{token} {piece}/{PIECES}›" for piece in range(1, PIECES + 1)))


def memory() -> int:
    """Bytes this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def tell_slowly(place: Town, seconds: float) -> None:
    for method in ("chat.postMessage", "chat.update"):
        place.slack.fail(method, *[Fault(delay=seconds)] * 1000)
    for method in ("sendMessage", "sendMessageDraft"):
        place.telegram.fault(method, "delay", seconds, times=1000)


async def test_a_platform_slower_than_the_model_gets_few_calls_and_each_answer_whole(servers, bus, store, tmp_path) -> None:
    async with town(servers, tmp_path) as place:
        place.model.otherwise(long_answer)
        tell_slowly(place, 0.3)
        diary, before = Diary(place), memory()
        for number in range(1, TALKS + 1):
            place.slack.say(f"D{number}", "U1", f"about #{(token := diary.token())}")
            diary.say("slack", f"D{number}", token)
            place.telegram.say(number, f"about #{(token := diary.token())}")
            diary.say("telegram", str(number), token)
            talk = await diary.session()
            diary.say("web", talk.session, token := diary.token())
            await talk.say("m", f"about #{token}")
        verdict = await diary.verdict(bus)
        assert verdict.clean, str(verdict)
        assert verdict.honest == 0
        calls = len(place.slack.posts()) + len(place.slack.posts("chat.update"))
        assert calls < TALKS * WORDS / 20, "a call for a word would be thousands"
        print(f"{calls} calls for {TALKS * WORDS} words, {(memory() - before) / 2**20:.0f} MiB more than before")
        assert memory() - before < MOST
