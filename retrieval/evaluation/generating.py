"""Questions that a model writes about the documents. They are flagged, because they are kinder than people: a model repeats
words of the passage, and asks only what is there."""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files

import msgspec
import structlog

from core.errors import TurnoutError
from core.evaluation.lines import name_of
from core.knowledge import Document
from retrieval.evaluation.questions import Question

WORDS = 200
SHORTEST = 25
QUOTE = 4
PROMPT = files(__package__).joinpath("question.txt").read_text("utf-8")

Write = Callable[[str], str]
Tell = Callable[[int, int], None]

log = structlog.get_logger("retrieval.evaluation")


class Written(msgspec.Struct):
    question: str
    quote: str


def generate(documents: Sequence[Document], write: Write, *, count: int, seed: int, tell: Tell) -> list[Question]:
    """About parts drawn from all documents in turn. What the model quotes must stand in the part; what does not is left out."""
    found: dict[str, Question] = {}
    parts = list(_parts(documents, seed))
    for number, (document, text) in enumerate(parts[: 2 * count], 1):
        if question := _about(document, text, write):
            found[question.id] = question
        tell(min(number, count), count)
        if len(found) == count:
            break
    if not found:
        raise TurnoutError(f"no question came of {len(parts)} parts of documents: the model quotes nothing that stands there")
    return list(found.values())


def _about(document: Document, text: str, write: Write) -> Question | None:
    said = write(PROMPT.format(title=document.title, text=text))
    try:
        written = msgspec.json.decode(said[said.find("{") : said.rfind("}") + 1], type=Written)
    except (msgspec.DecodeError, ValueError):
        log.warning("a model's answer is no question", source=document.source, said=said[:80])
        return None
    quote = " ".join(written.quote.split())
    if len(quote) < QUOTE or not written.question.strip() or quote.casefold() not in " ".join(text.split()).casefold():
        log.warning("a question is left out: its quote does not stand in the part", source=document.source, quote=quote[:80])
        return None
    return Question(
        question=written.question.strip(),
        id=name_of(written.question),
        sources=(document.source,),
        quotes=(quote,),
        kind="generated",
    )


def _parts(documents: Sequence[Document], seed: int) -> Iterator[tuple[Document, str]]:
    """A part of each document, then another of each, so that long ones do not crowd out the rest; in an order that is a
    seed's."""
    rng = random.Random(seed)
    piles = [(document, _cut(document.text)) for document in documents]
    rng.shuffle(piles)
    for _, texts in piles:
        rng.shuffle(texts)
    for turn in range(max((len(texts) for _, texts in piles), default=0)):
        yield from ((document, texts[turn]) for document, texts in piles if turn < len(texts))


def _cut(text: str) -> list[str]:
    """Whole paragraphs up to `WORDS` words."""
    parts, now = [], ""
    for paragraph in re.split(r"\n{2,}", text):
        if now and len(f"{now} {paragraph}".split()) > WORDS:
            parts.append(now)
            now = ""
        now = f"{now}\n\n{paragraph}".strip()
    return [part for part in [*parts, now] if len(part.split()) >= SHORTEST]
