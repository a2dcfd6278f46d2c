"""Office formulas as LaTeX, which people and models read alike."""

from lxml import etree

from retrieval.readers.archive import attribute, child, local

_SYMBOLS = {"∑": "\\sum", "∏": "\\prod", "∫": "\\int", "π": "\\pi ", "±": "\\pm ", "∞": "\\infty ", "√": "\\sqrt "}


def latex(element: etree._Element | None) -> str:
    """A formula, or a part of one."""
    if element is None:
        return ""
    name = local(element)
    parts = {local(one): one for one in element}
    if name == "t":
        return "".join(_SYMBOLS.get(letter, letter) for letter in element.text or "")
    if name == "f":
        return f"\\frac{{{latex(parts.get('num'))}}}{{{latex(parts.get('den'))}}}"
    if name == "rad":
        return f"\\sqrt{{{latex(parts.get('e'))}}}"
    if name in ("sSup", "sSub", "sSubSup", "nary"):
        return _scripted(name, parts)
    if name == "d":
        return _delimited(element)
    if name == "func":
        return f"{_function(latex(parts.get('fName')))}{{{latex(parts.get('e'))}}}"
    return "" if name.endswith("Pr") else "".join(map(latex, element))


def _scripted(name: str, parts: dict[str, etree._Element]) -> str:
    below, above = (latex(parts.get(script)) for script in ("sub", "sup"))
    scripts = (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")
    if name != "nary":
        return latex(parts.get("e")) + scripts
    sign = attribute(child(parts.get("naryPr"), "chr"), "val") or "∫"
    return f"{_SYMBOLS.get(sign, sign)}{scripts}{{{latex(parts.get('e'))}}}"


def _delimited(element: etree._Element) -> str:
    properties = child(element, "dPr")
    opening, closing = (attribute(child(properties, end), "val") for end in ("begChr", "endChr"))
    inside = ",".join(latex(one) for one in element if local(one) == "e")
    return f"{opening or '('}{inside}{closing or ')'}"


def _function(name: str) -> str:
    return f"\\{name}" if name.isalpha() else name
