"""HTML: the readable text of a page. What a browser would not show, and what frames the page (menus, footers), is left out."""

import re
from dataclasses import dataclass, field

from lxml import etree, html

from retrieval.readers.contract import Corrupt, Extract, Writer
from retrieval.readers.showing import hidden
from retrieval.readers.text import clean, decode

_SKIPPED = re.compile(
    "script|style|noscript|template|svg|math|iframe|object|canvas|nav|footer|aside|form|button|select|dialog|head"
)
_BLOCK = re.compile(
    "address|article|blockquote|body|dd|details|div|dl|dt|fieldset|figcaption|figure|header|hr|html|li|main|ol|p|pre|section"
    "|summary|table|tbody|td|tfoot|th|thead|tr|ul|h[1-6]"
)
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([A-Za-z0-9_-]+)|<\?xml[^>]*encoding=[\"']([A-Za-z0-9_-]+)", re.IGNORECASE)
SPAN = 100
WIDEST = 500


def read(data: bytes) -> Extract:
    return page(_decode(data))


def page(text: str) -> Extract:
    """A page by its characters."""
    parser = html.HTMLParser(remove_comments=True, remove_pis=True, huge_tree=False)
    try:
        tree = html.document_fromstring(re.sub(r"\A\s*<\?xml[^>]*\?>", "", text), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError) as error:
        raise Corrupt(f"not readable as HTML: {error}") from None
    found = _Page()
    found.walk(_main(tree))
    found.flush()
    extract = found.writer.extract()
    return extract if extract.title else found.writer.extract(clean(tree.findtext(".//title") or ""))


def _decode(data: bytes) -> str:
    """UTF-8, or the encoding the page itself declares."""
    declared = _CHARSET.search(data[:2048])
    name = next(filter(None, declared.groups())).decode().lower() if declared else "utf-8"
    return decode(data, name)


def _main(tree: html.HtmlElement) -> html.HtmlElement:
    """The element that holds the page's own text, where the page marks it."""
    mains = tree.xpath("//main | //*[@role='main']") or tree.xpath("//article")
    if len(mains) == 1 and len(mains[0].text_content().strip()) > 80:
        return mains[0]
    bodies = tree.xpath("//body")
    return bodies[0] if bodies else tree


@dataclass
class _Page:
    """Walks the elements in order, collecting inline text until a block ends."""

    writer: Writer = field(default_factory=Writer)
    inline: list[str] = field(default_factory=list)
    bullet: str = ""

    def walk(self, element: html.HtmlElement) -> None:
        if not isinstance(element.tag, str) or _SKIPPED.fullmatch(element.tag) or _decorates(element):
            return
        if hidden(element):
            self.writer.hidden.add(places=bool(element.text_content().strip()))
            return
        if _BLOCK.fullmatch(element.tag):
            self.flush()
            self._block(element)
            self.flush()
        elif element.tag == "br":
            self.inline.append("\n")
        else:
            self._content(element)

    def flush(self) -> None:
        lines = (" ".join(line.split()) for line in "".join(self.inline).split("\n"))
        text = "\n".join(line for line in lines if line)
        self.inline.clear()
        if text:
            self.writer.block(self.bullet + text)
            self.bullet = "  " if self.bullet else ""

    def _block(self, element: html.HtmlElement) -> None:
        if re.fullmatch("h[1-6]", element.tag):
            self.writer.heading(int(element.tag[1]), clean(element.text_content()))
        elif element.tag == "pre":
            self.writer.code(clean(element.text_content()))
        elif element.tag == "table" and not element.xpath(".//table | .//h1 | .//h2 | .//h3"):
            self._table(element)
        elif element.tag == "li":
            outer, self.bullet = self.bullet, "- "
            self._content(element)
            self.flush()
            self.bullet = outer
        else:
            self._content(element)

    def _content(self, element: html.HtmlElement) -> None:
        self._text(element.text)
        for child in element:
            self.walk(child)
            self._text(child.tail)

    def _text(self, text: str | None) -> None:
        if text:
            self.inline.append(re.sub(r"\s+", " ", clean(text)))

    def _table(self, table: html.HtmlElement) -> None:
        """The cells' words; what spans several stands in each."""
        rows: list[list[str]] = []
        lasting: dict[int, tuple[int, str]] = {}
        for line in table.iter("tr"):
            cells = _lasting(lasting, 0)
            for cell in line.xpath("./td | ./th"):
                text, down, wide = self._words(cell), _span(cell, "rowspan"), _span(cell, "colspan")
                wide = min(wide, WIDEST - len(cells))
                lasting |= {len(cells) + n: (down - 1, text) for n in range(wide) if down > 1}
                cells += [text] * wide
                cells += _lasting(lasting, len(cells))
            rows.append(cells)
        caption = table.find("caption")
        title = self._words(caption) if caption is not None else ""
        self.writer.block(title)
        self.writer.table(rows, title)

    def _words(self, element: html.HtmlElement) -> str:
        """What a cell shows, on one line."""
        inner = _Page(Writer())
        inner.writer.hidden = self.writer.hidden
        inner._content(element)
        inner.flush()
        return " ".join(inner.writer.extract().text.split())


def _lasting(lasting: dict[int, tuple[int, str]], column: int) -> list[str]:
    """The cells of rows above that reach into this row at a column and right after it."""
    cells: list[str] = []
    while found := lasting.pop(column + len(cells), None):
        rest, text = found
        if rest > 1:
            lasting[column + len(cells)] = (rest - 1, text)
        cells.append(text)
    return cells


def _decorates(element: html.HtmlElement) -> bool:
    return str(element.get("aria-hidden")) == "true"


def _span(cell: html.HtmlElement, name: str) -> int:
    found = cell.get(name, "1").strip()
    return min(max(int(found), 1), SPAN) if found.isdecimal() else 1
