"""Whether a browser would show an element of a page, as far as the page itself says."""

import re

from lxml import html

_GONE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(hidden|collapse)|opacity\s*:\s*0*\.?0+(?![.\d])"
    r"|font-size\s*:\s*0*[01]?(\.\d+)?(px|pt)?\s*(;|!|$)"
    r"|text-indent\s*:\s*-\d{3,}|(left|top)\s*:\s*-\d{4,}px|clip-path\s*:\s*inset\(\s*(50|100)%",
    re.IGNORECASE,
)
_COLOUR = re.compile(r"(?<![-\w])color\s*:\s*([^;!]+)", re.IGNORECASE)
_GROUND = re.compile(r"background(?:-color)?\s*:\s*([^;!]+)", re.IGNORECASE)
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})\b")
_RGB = re.compile(r"rgba?\(\s*(\d+)\D+(\d+)\D+(\d+)(?:\D+([\d.]+))?")
_NAMED = {"white": (255, 255, 255), "snow": (255, 250, 250), "ivory": (255, 255, 240), "black": (0, 0, 0)}
_NEAR = 24


def hidden(element: html.HtmlElement) -> bool:
    """Hidden by an attribute or a style, or written in the colour of its ground."""
    if "hidden" in element.attrib:
        return True
    style = element.get("style", "")
    if _GONE.search(style):
        return True
    wanted = _COLOUR.search(style)
    written = wanted.group(1) if wanted else element.get("color", "") if element.tag == "font" else ""
    if not written:
        return False
    if "transparent" in written.lower():
        return True
    ink, ground = _rgb(written), _ground(element)
    return ink is not None and ground is not None and all(abs(a - b) < _NEAR for a, b in zip(ink, ground, strict=True))


def _ground(element: html.HtmlElement) -> tuple[int, ...] | None:
    """The colour behind an element: white unless it or what it stands in says another; None where nobody can tell."""
    for one in (element, *element.iterancestors()):
        found = _GROUND.search(one.get("style", ""))
        if found or one.get("bgcolor"):
            return _rgb(found.group(1) if found else one.get("bgcolor"))
        if one.get("class") and one is not element:
            return None  # a style sheet may colour it
    return _NAMED["white"]


def _rgb(colour: str) -> tuple[int, ...] | None:
    colour = colour.strip().lower()
    if found := _HEX.search(colour):
        digits = found.group(1) if len(found.group(1)) == 6 else "".join(letter * 2 for letter in found.group(1))
        return tuple(int(digits[n : n + 2], 16) for n in (0, 2, 4))
    if found := _RGB.search(colour):
        return tuple(int(part) for part in found.groups()[:3])
    return _NAMED.get(colour.split()[0] if colour else "")
