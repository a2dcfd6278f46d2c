"""What the dialog and retrieval say to each other: passages, and what may be asked for them."""

import hashlib

from core.records import Record, Versioned


class Tags(Record, frozen=True):
    """What a document is marked with. `origin`: the knowledge source it came by, `owner`: whom to ask about it. `audience`: who
    may read it, empty: everyone. `at`: when its text was last changed, in Unix seconds, 0 where nobody knows. Of two documents
    that say different things the one with the higher `priority` is right."""

    origin: str = ""
    owner: str = ""
    audience: tuple[str, ...] = ()
    product: str = ""
    version: str = ""
    language: str = ""
    priority: int = 0
    at: float = 0.0

    @property
    def said(self) -> str:
        """The product and the version in the words in which people ask for them."""
        number = self.version.lower().removeprefix("v").strip()
        return " ".join((self.product, *([f"version {number} v{number}"] if number else []))).strip()


STEP = " › "
"""Between the headings of a path."""


class Passage(Record, frozen=True):
    """A piece of a document as search returns it. `heading` is the path of headings it stands under, ending in the columns
    between bars where it begins among the rows of a table. `score` is comparable within one result only; `start` and `end`
    are character offsets into the document's extracted text; `page` counts from 1, 0 where a format has none."""

    id: str
    source: str
    title: str
    text: str
    heading: str = ""
    url: str = ""
    score: float = 0.0
    start: int = 0
    end: int = 0
    page: int = 0
    tags: Tags = Tags()


class SearchRequest(Versioned, frozen=True):
    """What `retrieval.search` takes. `query` is plain text, `before` what the user said before it, which counts less and helps
    to tell what is meant; `earlier` likewise where the query can be understood alone, and counts little; `k` passages at most
    come back. `audiences`: what the asker may read beside what everyone may. The rest narrows the search: to a product, a
    version, a language ("": any; a document without one fits all), to texts changed in [`since`, `until`) (Unix seconds, 0: no
    limit; one without a date fits). `once`: what several documents say in the same words comes once."""

    query: str
    before: str = ""
    earlier: str = ""
    k: int = 6
    audiences: tuple[str, ...] = ()
    product: str = ""
    version: str = ""
    language: str = ""
    since: float = 0.0
    until: float = 0.0
    once: bool = False


class Cell(Record, frozen=True):
    """What a source says, word for word: the `value` in the `column` of a table's `row`, which stands at `passage`; or the
    numbers of a sentence, which is `row`."""

    value: str
    row: str
    passage: Passage
    column: str = ""
    table: str = ""


class Conflict(Record, frozen=True):
    """Sources that say different things about the same; what is to be believed comes first (priority, then date)."""

    about: str
    said: tuple[Cell, ...]


class SearchResult(Versioned, frozen=True):
    """What `retrieval.search` answers, best first. `cells` answer the question exactly, from tables. `conflicts` are between
    sources that the asker may read. `confidence` is how probable it is that a passage or cell answers. `legs` names what ran
    (`lexical`, `dense`). `narrowed`: the products and versions that the question names and that alone were searched, "" mostly.
    An empty index says so by `documents` 0; a request that cannot be served says why in `error`."""

    passages: tuple[Passage, ...] = ()
    cells: tuple[Cell, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    confidence: float = 0.0
    documents: int = 0
    legs: tuple[str, ...] = ()
    narrowed: str = ""
    took_ms: float = 0.0
    error: str = ""


class DocumentRequest(Versioned, frozen=True):
    """What `retrieval.document` takes: the `source` of a passage or citation, and what the asker may read."""

    source: str
    audiences: tuple[str, ...] = ()


class Listed(Record, frozen=True):
    """A document of the index; `at` is when it was taken, in Unix seconds."""

    source: str
    at: float = 0.0


class SourceState(Record, frozen=True):
    """A knowledge source, since when it fails (Unix seconds, 0: it does not), and why."""

    name: str
    failing: float = 0.0
    reason: str = ""


class NotTaken(Record, frozen=True):
    """A file that is not in the index, and why."""

    path: str
    reason: str


class Library(Versioned, frozen=True):
    """What `retrieval.status` tells of the index: how many `documents`, the first of them by name, how many passages are
    `waiting` for a vector, how its sources do, and what was `skipped`. `spent`: seconds of work
    that the index took so far, 0: nobody counted."""

    documents: int = 0
    waiting: int = 0
    listed: tuple[Listed, ...] = ()
    sources: tuple[SourceState, ...] = ()
    skipped: tuple[NotTaken, ...] = ()
    spent: float = 0.0


class Document(Versioned, frozen=True):
    """What `retrieval.document` answers: a whole document's extracted text, which passages' offsets count in. `text` "": none
    of that source is there."""

    source: str
    title: str = ""
    url: str = ""
    text: str = ""


class PrintsRequest(Versioned, frozen=True):
    """What `retrieval.prints` takes: the document after which to go on, "": begin."""

    after: str = ""


class Prints(Versioned, frozen=True):
    """What `retrieval.prints` answers: fingerprints of whole texts by their documents' names, of some hundreds in the order of
    their names, whoever may read them. `more`: others come after these."""

    prints: dict[str, str] = {}
    more: bool = False


def print_of(text: str) -> str:
    """A text's fingerprint: another one is of another text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class EmbedRequest(Versioned, frozen=True):
    """What `retrieval.embed` takes; with no texts it tells whose vectors there would be."""

    texts: tuple[str, ...] = ()


class Embedded(Versioned, frozen=True):
    """What `retrieval.embed` answers: a vector of `width` 32-bit floats (little-endian) for each text, one after the other.
    `name` is the embedder's, vectors of two names are never compared, "": there is none. `unread`: which texts are in a
    language it does not read. `error` says why there are no vectors."""

    name: str = ""
    width: int = 0
    data: bytes = b""
    unread: tuple[int, ...] = ()
    error: str = ""
