"""A question about one version of a product is answered from that version, in a whole system."""

import asyncio
from pathlib import Path

from tests.e2e.system import System

PARTS = 100
FILE = """
[assistant]
name = "Workshop"
default_route = ["rag"]
out_of_scope_below = 0
[knowledge]
dense = "off"
[[knowledge.sources]]
name = "one"
at = "one"
version = "v1"
[[knowledge.sources]]
name = "two"
at = "two"
version = "v2"
"""
WAYS = ("How long does part{} charge in {}?", "{1}: part{0}, how long does it charge?")


async def test_asked_about_one_version_the_other_never_answers(tmp_path: Path) -> None:
    """200 questions, in as many conversations. The old text answers better by its words."""
    for folder, minutes in (("one", 100), ("two", 500)):
        (tmp_path / folder).mkdir()
        for part in range(PARTS):
            more = f" How long does part{part} charge: long." if folder == "one" else ""
            (tmp_path / folder / f"part{part}.md").write_text(f"Part{part} charges in {minutes + part} minutes.{more}\n")
    (tmp_path / "assistant.toml").write_text(FILE)
    system = System(tmp_path, {"TURNOUT_ASSISTANT": str(tmp_path / "assistant.toml")})
    some = asyncio.Semaphore(8)

    async def ask(part: int, way: str) -> list[str]:
        """What is wrong with the reply."""
        question = way.format(part, "v2" if part % 2 else "version 2")
        async with some, system.visitor() as visitor:
            reply = await visitor.ask(question)
        right = f"{500 + part} minutes" in reply["text"] and "searched only version 2" in reply["why"]
        old = [one["source"] for one in reply["citations"] if one["source"].startswith("one/")]
        return [*old, *([] if right else [f"{question} {reply['text']} {reply['why']}"])]

    async with system.up():
        wrong = await asyncio.gather(*(ask(part, way) for part in range(PARTS) for way in WAYS))
    assert len(wrong) == 200
    assert [one for some_wrong in wrong for one in some_wrong] == []
