"""HTML that cannot be broken by what stands in it: whatever is not made here is text, and escaped."""

from collections.abc import Iterable
from html import escape


class Html(str):
    """Marked up already."""

    __slots__ = ()


def el(name: str, *inside: str | Html, **attributes: object) -> Html:
    """An element. Attributes: `class_` is class, `stroke_width` stroke-width; one that is None is left out."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"' for key, value in attributes.items() if value is not None
    )
    return Html(f"<{name}{told}>{joined(inside)}</{name}>")


def joined(parts: Iterable[str | Html], between: str = "") -> Html:
    return Html(between.join(part if isinstance(part, Html) else escape(part) for part in parts))


def table(head: Iterable[str | Html], rows: Iterable[Html], *, title: str, class_: str | None = None) -> Html:
    """One that scrolls by itself where it is wider than the page. `title` is for those who do not see it."""
    named = el("caption", title, class_="unseen")
    first = el("thead", el("tr", *(el("th", cell, scope="col") for cell in head)))
    return el("div", el("table", named, first, el("tbody", *rows), class_=class_), class_="wide")


def row(first: str | Html, *cells: str | Html, names: Iterable[str] = (), class_: str | None = None) -> Html:
    """`names` are what the cells are called where the table is too narrow for a head."""
    told = [*names] or [""] * len(cells)
    rest = (el("td", cell, data_name=name or None) for cell, name in zip(cells, told, strict=True))
    return el("tr", el("th", first, scope="row"), *rest, class_=class_)
