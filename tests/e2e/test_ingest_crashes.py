"""Kill -9 the retrieval service between any two steps of an ingest: it resumes by itself, and nothing is ever half visible."""

from collections import Counter
from pathlib import Path

from core import bus_nats, embedded, settings
from core.bus import Bus
from core.errors import Unavailable
from core.knowledge import SearchRequest, SearchResult
from core.records import decode, encode
from tests.e2e.crash_points.armed import Armed
from tests.e2e.crash_points.build import install
from tests.e2e.system import System, until

STEPS = ("before:stage", "after:stage", "after:commit", "after:drop", "after:swept", "before:flush", "after:flush")
"""A document's new text beside the old one, shown instead of it, the old one's passages swept; all of it on disk."""
ASSISTANT = '[assistant]\nname = "Guide"\ndefault_route = ["rag"]\n[knowledge]\npaths = ["docs"]\ndense = "off"\n'
DOCUMENTS, PARAGRAPHS = 3, 12


def write(folder: Path, version: int) -> None:
    for number in range(DOCUMENTS):
        words = f"The harbour of town {number} has a quay, as edition{version} of this guide says. "
        text = "\n\n".join(f"## Part {part}\n\n{words * 12}So much for part {part}." for part in range(PARAGRAPHS))
        (folder / f"town{number}.md").write_text(f"# Town {number}\n\n{text}\n")


async def found(bus: Bus) -> dict[str, Counter[str]]:
    """By document, the passages found of each of its versions; nothing while nobody answers."""
    try:
        answer = await bus.request("retrieval.search", encode(SearchRequest(query="harbour quay", k=50)), timeout=5)
    except Unavailable:
        return {}
    editions: dict[str, Counter[str]] = {}
    for passage in decode(SearchResult, answer).passages:
        edition = passage.text.partition("edition")[2].partition(" ")[0]
        editions.setdefault(passage.source, Counter())[edition] += 1
    return editions


async def test_killed_at_any_step_of_an_ingest_it_shows_each_document_whole_and_then_the_new_one(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    write(docs, 0)
    (tmp_path / "assistant.toml").write_text(ASSISTANT)
    armed = Armed(tmp_path / "crash")
    variables = {"TURNOUT_ASSISTANT": str(tmp_path / "assistant.toml"), **install(armed.folder)}
    async with System(tmp_path, variables).up():
        where = await embedded.wait(settings.load(TURNOUT_DATA=tmp_path / "data"))
        async with bus_nats.connect(where.nats_url) as bus:
            while len(first := await found(bus)) < DOCUMENTS:
                pass
            whole = {source: editions["0"] for source, editions in first.items()}
            for version, step in enumerate(STEPS, 1):
                armed.arm(f"retrieval:{step}")
                write(docs, version)
                await until_shown(bus, whole, str(version))
                await until(lambda step=step: armed.died(f"retrieval:{step}"))


async def until_shown(bus: Bus, whole: dict[str, int], version: str) -> None:
    """Search again and again until every document shows its new version; each time each shows one, and all of it."""
    shown: dict[str, Counter[str]] = {}
    while shown != {source: Counter({version: passages}) for source, passages in whole.items()}:
        shown = await found(bus)
        halves = {source: editions for source, editions in shown.items() if [*editions.values()] != [whole[source]]}
        assert not halves
        assert not shown or len(shown) == len(whole)
