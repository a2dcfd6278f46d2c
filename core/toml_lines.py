"""The line of every key of a TOML text, which tomllib does not tell. For texts that tomllib has read without an error."""

import re

Place = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'', re.DOTALL)
_BARE = re.compile(r"[^\s=.\[\]{},#]+")
_SCALAR = re.compile(r"[^,\]}#\n]+")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)


def lines(text: str) -> dict[Place, int]:
    """Place → line, counted from 1. A place is the keys and list positions that lead to a value, as pydantic writes it."""
    reader = _Reader(text)
    reader.document()
    return reader.found


def nearest(found: dict[Place, int], place: Place) -> int:
    """The line of a place, or of the closest table around it: a missing key is looked for where it should stand."""
    return next((found[place[:end]] for end in range(len(place), 0, -1) if place[:end] in found), 1)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Place, int] = {}
        self._tables: dict[Place, int] = {}

    def document(self) -> None:
        table: Place = ()
        self._skip()
        while self.at < len(self.text):
            if self._take("["):
                table = self._header()
            else:
                self._pair(table)
            self._skip()

    def _header(self) -> Place:
        """`[a.b]` or `[[a.b]]`; a table below an array of tables is below its last element."""
        many = self._take("[")
        line = self._line()
        place: Place = ()
        keys = self._keys()
        for position, key in enumerate(keys):
            place = (*place, key)
            self.found.setdefault(place, line)
            if many and position == len(keys) - 1:
                self._tables[place] = self._tables.get(place, -1) + 1
            if place in self._tables:
                place = (*place, self._tables[place])
                self.found.setdefault(place, line)
        self.at = self.text.index("]]" if many else "]", self.at) + (2 if many else 1)
        return place

    def _pair(self, table: Place) -> None:
        line = self._line()
        place = table
        for key in self._keys():
            place = (*place, key)
            self.found.setdefault(place, line)
        self._take("=")
        self._value(place)

    def _value(self, place: Place) -> None:
        self._skip()
        if self._take("["):
            position = 0
            while not self._take("]"):
                self.found[*place, position] = self._line()
                self._value((*place, position))
                self._take(",")
                position += 1
        elif self._take("{"):
            while not self._take("}"):
                self._pair(place)
                self._take(",")
        else:
            match = _STRING.match(self.text, self.at) or _SCALAR.match(self.text, self.at)
            self.at = match.end() if match else self.at + 1

    def _keys(self) -> list[str]:
        """`a."b c".d`, up to what follows it."""
        keys: list[str] = []
        while True:
            self._skip()
            quoted = _STRING.match(self.text, self.at)
            match = quoted or _BARE.match(self.text, self.at)
            if match is None:
                return keys
            self.at = match.end()
            keys.append(_unquote(match[0]) if quoted else match[0])
            if not self._take("."):
                return keys

    def _take(self, sign: str) -> bool:
        """Step over blanks and comments, then over the sign if it stands here, and over blanks again."""
        self._skip()
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        self._skip()
        return True

    def _skip(self) -> None:
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def _line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1


def _unquote(key: str) -> str:
    if key[0] == "'":
        return key[1:-1]
    short = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "e": "\x1b"}
    return _ESCAPE.sub(lambda m: chr(int(m[1][1:], 16)) if len(m[1]) > 1 else short.get(m[1], m[1]), key[1:-1])
