"""The model that needs none: it answers with the sentences of the passages that fit the question best, word for word.

`ranking` finds them; here they are put together with what belongs to them (the lead-in of a list, the sentence that "it"
points to), marked with their sources, or refused where the passages do not hold what was asked for.
"""

import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from core.dialog.models.contract import Message, Spent
from core.dialog.models.ranking import Place, Question, rank
from core.dialog.models.sentences import cells, told
from core.errors import ModelError, NothingFound
from core.knowledge import Passage
from core.records import Citation

NAME = "extractive"
NOTE = "*Quoted from the documents; no language model is configured.*"

COVERED = 0.4
WORTH = 0.6
ALIKE = 0.5
MOST_PICKS = 3
MOST_ITEMS = 8
MOST_LETTERS = 700
MOST_QUOTED = 400

_MARK = re.compile(r" ?\[\d{1,2}\]")
_POINTS_BACK = re.compile(
    r"(?:\w+ ){0,2}(?:this|these|those|it|its|they|them|their|he|she)\b"
    r"|(?:that|both|otherwise|however|but|then|if not|instead|afterwards|also)\b",
    re.IGNORECASE,
)


class ExtractiveModel:
    """The model where none is configured. It cannot write, so it refuses plain messages; tracks that search use `extract`."""

    name = NAME

    async def stream(self, messages: tuple[Message, ...], *, spent: Spent) -> AsyncGenerator[str, None]:
        raise ModelError("no language model is configured: set OPENAI_API_KEY or OPENAI_BASE_URL")
        yield ""

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Extract:
    """Quoted text with [n] marks, and the citations they refer to."""

    text: str
    citations: tuple[Citation, ...]


def extract(question: str, passages: Sequence[Passage], *, context: str = "") -> Extract:
    """The answer in the passages' own words. `context` is what the question carries on from; its words count less.

    Raises NothingFound where the passages do not hold what is asked for.
    """
    ranking = rank(passages, Question(question, context))
    if not ranking.best or ranking.best[0].score <= 0 or ranking.covered < COVERED:
        raise NothingFound("no passage holds what was asked for")
    picks = _picks(ranking.best)
    runs = [_runs(places, picks, number) for number, places in enumerate(ranking.passages)]
    return _compose(picks, runs, passages)


def quote(claim: str, passage: Passage) -> str:
    """The words of a passage that a claim rests on: its best matching unit."""
    best = rank([passage], Question(claim)).best
    return best[0].text if best else passage.text[:MOST_QUOTED]


def _picks(ranked: list[Place]) -> list[Place]:
    """The best unit, and others nearly as good that say something else."""
    picks: list[Place] = []
    letters = 0
    for place in ranked:
        if place.score < WORTH * ranked[0].score or len(picks) == MOST_PICKS:
            break
        if picks and (letters + len(place.text) > MOST_LETTERS or any(_alike(place, pick) for pick in picks)):
            continue
        picks.append(place)
        letters += len(place.text)
    return picks


def _alike(one: Place, other: Place) -> bool:
    union = one.own | other.own
    return not union or len(one.own & other.own) / len(union) > ALIKE


def _runs(passage: list[Place], picks: list[Place], number: int) -> list[list[Place]]:
    """The stretches of one passage to quote, in its order."""
    wanted: set[int] = set()
    for pick in picks:
        if pick.passage == number:
            wanted |= _with_company(pick, passage)
    runs: list[list[Place]] = []
    for at in sorted(wanted):
        if runs and runs[-1][-1].at == at - 1:
            runs[-1].append(passage[at])
        else:
            runs.append([passage[at]])
    return runs


def _with_company(pick: Place, passage: list[Place]) -> set[int]:
    """The pick with the neighbours it cannot be understood without."""
    block = [place.at for place in passage if place.unit.block == pick.unit.block]
    if pick.unit.kind == "item":
        even = [at for at in block if passage[at].score >= WORTH * pick.score]
        items = set(block[:MOST_ITEMS]) if len(even) >= 3 and pick.at in block[:MOST_ITEMS] else {pick.at}
        lead = block[0] - 1
        leads = lead >= 0 and passage[lead].text.rstrip().endswith((":", "："))
        return items | {lead} if leads and block[0] in items else items
    first = last = pick.at
    if pick.unit.kind == "sentence":
        if first - 1 in block and _POINTS_BACK.match(pick.text):
            first -= 1
        if last + 1 in block and _POINTS_BACK.match(passage[last + 1].text):
            last += 1
    return set(range(first, last + 1))


def _compose(picks: list[Place], runs: list[list[list[Place]]], passages: Sequence[Passage]) -> Extract:
    paragraphs: list[str] = []
    citations: list[Citation] = []
    for n, number in enumerate(dict.fromkeys(pick.passage for pick in picks), start=1):
        passage = passages[number]
        best = next(pick for pick in picks if pick.passage == number)
        paragraphs += [f"{_readable(run)} [{n}]" for run in runs[number]]
        home = next(run for run in runs[number] if best in run)
        citations.append(cite(n, passage, _quoted(home, best, passage)))
    return Extract("\n\n".join(paragraphs), tuple(citations))


def cite(n: int, passage: Passage, words: str) -> Citation:
    start = passage.start + max(0, passage.text.find(words))
    known = Citation(n=n, source=passage.source, title=passage.title, url=passage.url, quote=words)
    return replace(known, start=start, page=passage.page)


def _quoted(run: list[Place], best: Place, passage: Passage) -> str:
    whole = passage.text[run[0].unit.start : run[-1].unit.end]
    return whole if len(whole) <= MOST_QUOTED else best.text


def _readable(run: list[Place]) -> str:
    """The stretch as Markdown: lists keep their lines, wrapped lines are joined, a row says what its cells are, the
    document's own [n] is left out."""
    return _MARK.sub("", "\n".join(_lines(run)))


def _lines(run: list[Place]) -> Iterator[str]:
    line = before = ""
    bullet = "- " if sum(place.unit.kind == "row" for place in run) > 1 else ""
    for place in run:
        kind = place.unit.kind
        text = " ".join((bullet + _row(place).removeprefix("- ") if kind == "row" else place.text).split())
        if kind == before == "sentence":
            line = f"{line} {text}"
        else:
            if line:
                yield line + ("" if kind == before else "\n")
            line = text
        before = kind
    yield line


def _row(place: Place) -> str:
    return told(cells(place.text, place.unit.columns)) if place.text.startswith("|") else place.text
