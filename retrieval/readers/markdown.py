"""Markdown keeps its text as it is written; headings and tables are found by the parser (a `#` in code is none)."""

import re
from dataclasses import dataclass, field
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from retrieval.readers.contract import Extract, Heading, Table
from retrieval.readers.hidden import Hidden
from retrieval.readers.text import written

_WORDS = MarkdownIt("commonmark")
_BLOCKS = MarkdownIt("commonmark").enable("table").disable("inline")  # running text stays as it is: half the time is saved
_FRONT = re.compile(r"\A---[ \t]*\n(.*?\n)?---[ \t]*(\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title:[ \t]*[\"']?(.+?)[\"']?[ \t]*$", re.MULTILINE)
_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)


def read(data: bytes) -> Extract:
    hidden = Hidden()
    text = hidden.strip(written(data))
    title = ""
    if front := _FRONT.match(text):
        named = _TITLE.search(front.group(0))
        title, text = named.group(1) if named else "", text[front.end() :]
    text = _COMMENT.sub("", text).strip()
    page = _Page(text)
    page.walk(_BLOCKS.parse(text))
    top = next((heading.title for heading in page.headings if heading.level == 1), "")
    return Extract(text, title or top, tuple(page.headings), tables=tuple(page.tables), flags=hidden.flags())


@dataclass
class _Page:
    """What stands where in a text. `starts` is the offset of each line as the parser counts lines, and of the end."""

    text: str
    headings: list[Heading] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.starts = [0]
        for line in self.text.split("\n"):
            self.starts.append(min(self.starts[-1] + len(line) + 1, len(self.text)))

    def walk(self, tokens: list[Token]) -> None:
        cells: list[list[str]] = []
        places: list[tuple[int, int]] = []
        for token, after in pairwise((*tokens, Token("end", "", 0))):
            if token.type == "heading_open" and token.map and token.level == 0:
                self._heading(token, _plain(after))
            elif token.type == "table_open":
                cells, places = [], []
            elif token.type == "tr_open" and token.map:
                cells.append([])
                places.append(self._place(token.map[0]))
            elif token.type in ("th_open", "td_open") and cells:
                cells[-1].append(_plain(after))
            elif token.type == "table_close" and cells:
                self._table(cells, places)

    def _heading(self, token: Token, title: str) -> None:
        first, after = token.map or (0, 0)
        if title:
            self.headings.append(Heading(int(token.tag[1]), title, self.starts[first], self.starts[after]))

    def _table(self, cells: list[list[str]], places: list[tuple[int, int]]) -> None:
        header, *rows = map(tuple, cells)
        above = self.headings[-1].title if self.headings else ""
        end = places[-1][1] if rows else self._place(self.text.count("\n", 0, places[0][0]) + 1)[1]
        self.tables.append(Table(above, header, tuple(rows), tuple(places[1:]), places[0][0], end))

    def _place(self, line: int) -> tuple[int, int]:
        """Where a line stands, without its end."""
        start, end = self.starts[line], self.starts[line + 1]
        return start, end - self.text.endswith("\n", start, end)


def _plain(inline: Token) -> str:
    """Words without their markup."""
    (parsed,) = _WORDS.parseInline(inline.content)
    pieces = (child.content for child in parsed.children or () if child.type in ("text", "code_inline", "softbreak"))
    return " ".join("".join(piece or " " for piece in pieces).split())
