"""A shop with an assistant file, documents, and the command line beside them."""

import asyncio
import time
from pathlib import Path

from click.testing import CliRunner, Result

from core import assistant
from core.cli import cli
from core.evaluation.tracks.fingerprints import made_with
from core.knowledge import Document, DocumentRequest, Library, Listed, Prints, PrintsRequest, print_of
from core.policy.routes import Evidence, Route, Routes
from core.records import decode, encode
from core.settings import load

FILE = """
[assistant]
name = "Shop"
default_route = ["rag", "prompt"]
[[intents]]
name = "returns"
examples = ["send it back"]
volatility = "years"
[[intents]]
name = "prices"
examples = ["what does it cost"]
volatility = "days"
[[intents]]
name = "hello"
examples = ["good morning"]
route = ["template"]
template = "Ahoy!"
"""

FEW = 400


class Shop:
    """An assistant, its documents, and the command line beside them."""

    def __init__(self, folder: Path, bus) -> None:
        self.folder, self.bus = folder, bus
        self.documents = {"returns.md": "Thirty days.", "prices.md": "Ten euros."}
        (folder / "assistant.toml").write_text(FILE)

    async def run(self, *arguments: str, input: str = "") -> Result:
        return await asyncio.to_thread(CliRunner().invoke, cli, ["routes", *arguments], input=input)

    async def says(self, *arguments: str) -> str:
        done = await self.run(*arguments)
        assert done.exit_code == 0, done.output
        return done.output

    async def refuses(self, *arguments: str) -> str:
        done = await self.run(*arguments)
        assert done.exit_code != 0, done.output
        assert "Traceback" not in done.output
        return done.output

    async def proposal(self, *routes: Route, name: str = "run1") -> Path:
        path = self.folder / "evaluation" / "tracks" / name / "routes.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(Routes(number=0, routes=routes, by="turnout eval tracks", note="run 1")))
        return path

    async def measured(self, *tracks: str, intent: str = "returns", expires: float = 0.0) -> Route:
        """A route with evidence of the documents as they are."""
        prints = await made_with(self.bus, assistant.read(self.folder / "assistant.toml"), load())
        evidence = Evidence(
            run="run1",
            at=time.time() - 86400 * 3,
            kind="better",
            default="rag",
            challenger=tracks[0],
            cases=312,
            difference=0.083,
            low=0.02,
            high=0.15,
            why="better: +0.083 utility on 312 cases",
            made_with={name: value for name, value in prints.items() if name in ("source:returns.md", "prompts", "models")},
        )
        return Route(intent=intent, tracks=tracks, evidence=evidence, expires=expires)

    async def status(self, _question: bytes) -> bytes:
        listed = tuple(Listed(source=name) for name in self.documents)
        return encode(Library(documents=len(listed), listed=listed))

    async def prints(self, question: bytes) -> bytes:
        """A few documents at a time."""
        rest = [name for name in sorted(self.documents) if name > decode(PrintsRequest, question).after]
        return encode(Prints(prints={name: print_of(self.documents[name]) for name in rest[:FEW]}, more=len(rest) > FEW))

    async def document(self, question: bytes) -> bytes:
        source = decode(DocumentRequest, question).source
        return encode(Document(source=source, text=self.documents.get(source, "")))
