"""Questions are asked as whom the owner says, and read what such a person may read; nobody else's questions do."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from core import assistant
from core.evaluation.lines import BadQuestions
from core.evaluation.tracks import cases as files
from core.evaluation.tracks import report
from core.evaluation.tracks.fingerprints import made_with
from core.evaluation.tracks.records import Case
from tests.evaluation.town import FILE, Town, town
from tests.fakes.openai_server import Asked

AUDIENCES = FILE + '[[audiences]]\nname = "board"\npeople = ["slack:U1"]\n[[audiences]]\nname = "staff"\nchannels = ["slack"]\n'
SECRET = "The salary budget is 417 euros."
CASE = Case(
    id="s1", question="How high is the salary budget?", claims=(("417 euros",),), sources=("minutes.md",), intent="prices"
)


def reading(asked: Asked) -> str:
    return "The salary budget is 417 euros [1]." if "417" in asked.text else "I do not know."


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path, AUDIENCES) as made:
        made.documents["minutes.md"] = SECRET
        made.closed["minutes.md"] = "board"
        made.server.otherwise(reading)
        yield made


async def test_who_may_read_a_document_is_answered_from_it_and_others_are_not(shop: Town) -> None:
    cases = [replace(CASE, audience=("board",)), replace(CASE, id="s2", audience=("staff",)), replace(CASE, id="s3")]
    cases = [replace(case, question=f"{case.question} ({case.id})") for case in cases]
    _, run = await shop.evaluate(cases, "rag")
    found = {one.case: one for one in run.answered}
    assert (found["s1"].grades.claims, found["s1"].grades.citations) == (1.0, 1.0)
    assert {found[case].grades.claims for case in ("s2", "s3")} == {0.0}
    assert not any("417" in found[case].text for case in ("s2", "s3"))
    assert "2 questions asked as somebody of board and staff" in report.page(run)


async def test_a_change_of_a_document_that_few_may_read_is_seen_by_its_fingerprint(shop: Town) -> None:
    file = assistant.read(shop.given.assistant)
    before = await made_with(shop.bus, file, shop.given)
    shop.documents["minutes.md"] = SECRET.replace("417", "500")
    after = await made_with(shop.bus, file, shop.given)
    assert before["source:minutes.md"] != after["source:minutes.md"]


def test_what_a_question_says_itself_counts_before_what_all_are_asked_as() -> None:
    cases = files.asked_as([CASE, replace(CASE, audience=("board",))], ("staff",))
    assert [case.audience for case in cases] == [("staff",), ("board",)]


def test_a_table_names_audiences_too_and_one_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("id,question,claims,audience\na,How high?,417,board|staff\nb,How low?,4,bored\n")
    (tmp_path / "assistant.toml").write_text(AUDIENCES)
    cases = files.read(path)
    assert cases[0].audience == ("board", "staff")
    with pytest.raises(BadQuestions, match="no audience is called 'bored': did you mean 'board'"):
        files.check(cases, assistant.read(tmp_path / "assistant.toml"))
