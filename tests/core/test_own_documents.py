"""A Runnable finds documents of its own: what the reader may not read is not shown, whoever found it."""

import pytest

from core.audience import Reader
from core.dialog.models.extractive import ExtractiveModel
from core.errors import NothingFound
from core.records import Ground
from tests.core.runnables import SECRET
from tests.core.test_tracks import HERE, asking, run

QUESTION = "What will the Path 2 cost?"
ORIGINS = {"minutes": ("staff",)}
STRANGER = Reader(origins=ORIGINS)
STAFF = Reader(frozenset({"staff"}), frozenset({"staff"}), ORIGINS)
IN_A_ROOM = Reader(frozenset(), frozenset({"staff"}), ORIGINS)


async def answer(name: str, reader: Reader, said: list[str] | None = None):
    return await run("own", asking(QUESTION, reader=reader), ExtractiveModel(), said=said, tracks={"own": f"{HERE}:{name}"})


@pytest.mark.parametrize("name", ["tagged", "named", "closed"])
@pytest.mark.parametrize(("reader", "more"), [(STRANGER, False), (IN_A_ROOM, True)])
async def test_an_answer_that_rests_on_what_may_not_be_read_is_withheld(name: str, reader: Reader, more: bool) -> None:
    said: list[str] = []
    with pytest.raises(NothingFound, match="may not be read here") as withheld:
        await answer(name, reader, said)
    assert (said, withheld.value.more) == ([], more)


@pytest.mark.parametrize("name", ["tagged", "named", "closed"])
async def test_who_may_read_it_reads_it_and_the_turn_says_what_it_rests_on(name: str) -> None:
    found = await answer(name, STAFF)
    assert SECRET.rstrip(".") in found.parts[0].text
    assert "plan.md" in [citation.source for citation in found.citations]
    assert {Ground(audience=("staff",)), Ground(origin="minutes")} & {*found.grounds}


async def test_a_runnable_is_told_whose_documents_it_may_use() -> None:
    assert (await answer("asking", STAFF)).parts[0].text == "for ['staff']"
    assert (await answer("asking", IN_A_ROOM)).parts[0].text == "for []"
