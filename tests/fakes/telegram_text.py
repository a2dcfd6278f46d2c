"""How Telegram reads the HTML of a message: what is shown, or the error it answers with."""

import re
from dataclasses import dataclass

TAGS = {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "span", "tg-spoiler", "a", "code", "pre", "blockquote"}
QUOTES = {"blockquote"}
FIXED = {"code", "pre"}
LONGEST = 4096
_PIECE = re.compile(r"<(/?)([^\s<>/]*)((?:\s[^<>]*)?)>|&(lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);|<|[^<&]+|&")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}


class Bad(Exception):
    """400 Bad Request: the message is its description."""


@dataclass(frozen=True)
class Entity:
    tag: str
    start: int
    end: int
    href: str = ""


def read(text: str, parse_mode: str) -> tuple[str, list[Entity]]:
    """What is seen of a message text, and its entities (places in characters); raises Bad as Telegram would."""
    shown, entities = _parse(text) if parse_mode.upper() == "HTML" else (text, [])
    if not shown.strip():
        raise Bad("message text is empty")
    if len(shown.encode("utf-16-le")) // 2 > LONGEST:
        raise Bad("message is too long")
    return shown, entities


def _parse(text: str) -> tuple[str, list[Entity]]:
    shown = ""
    open_tags: list[tuple[str, int, str]] = []
    entities: list[Entity] = []
    for piece in _PIECE.finditer(text):
        closing, tag, attributes, named = piece[1], piece[2], piece[3], piece[4]
        if named:
            shown += _NAMED.get(named) or chr(int(named[2:], 16) if named[1] == "x" else int(named[1:]))
        elif piece[0] == "<" or (tag is not None and tag.lower() not in TAGS):
            raise Bad(f'can\'t parse entities: Unsupported start tag "{tag or ""}" at byte offset {piece.start()}')
        elif tag is None:
            shown += piece[0]
        elif not closing:
            _may_open(tag, [name for name, _, _ in open_tags])
            open_tags.append((tag, len(shown), _href(attributes)))
        elif not open_tags or open_tags[-1][0] != tag:
            raise Bad(f'can\'t parse entities: Unmatched end tag at byte offset {piece.start()}, found "</{tag}>"')
        else:
            name, start, href = open_tags.pop()
            entities.append(Entity(name, start, len(shown), href))
    if open_tags:
        raise Bad(f"can't parse entities: Can't find end tag corresponding to start tag \"{open_tags[-1][0]}\"")
    return shown, entities


def _may_open(tag: str, within: list[str]) -> None:
    if tag in QUOTES and QUOTES & set(within):
        raise Bad("can't parse entities: blockquote entities can't be nested")
    if within and within[-1] in FIXED and (within[-1], tag) != ("pre", "code"):
        raise Bad("can't parse entities: pre and code entities can't contain other entities")


def _href(attributes: str) -> str:
    found = re.search(r'href="([^"]*)"', attributes)
    return found[1].replace("&amp;", "&").replace("&quot;", '"') if found else ""
