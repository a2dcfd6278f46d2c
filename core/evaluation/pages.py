"""The shell of an evaluation's page: one HTML file that needs nothing else, for people to look at."""

import time
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Nothing is loaded, and nothing that stands in a page runs."""


def page(title: str, sections: Iterable[str], *, also: str = "") -> str:
    """The whole page; `sections` are HTML, the title is text, `also` is a file of styles beside `page.css`."""
    style = "".join(files(__package__).joinpath("static", name).read_text("utf-8") for name in ("page.css", also) if name)
    inside = "\n".join(sections)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{escape(title)}</title><style>{style}</style></head>"
        f"<body><main>{inside}</main></body></html>"
    )


def tile(value: str, name: str, small: str) -> str:
    """One figure in large; `tiles` puts several side by side."""
    return f"<div class='tile'><b>{escape(value)}</b><span>{escape(name)}</span><small>{escape(small)}</small></div>"


def tiles(some: Iterable[str]) -> str:
    return f"<div class='tiles'>{''.join(some)}</div>"


def row(tag: str, cells: Sequence[str], mark: str = "") -> str:
    """A row of a table; `tag` is th or td, `mark` a class of the page's style, such as worse."""
    inside = "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells)
    return f"<tr class='{mark}'>{inside}</tr>" if mark else f"<tr>{inside}</tr>"


def table(head: Sequence[str], rows: Iterable[str]) -> str:
    """A table that scrolls by itself where it is wider than the page; `rows` as `row` makes them."""
    return f"<div class='wide'><table>{row('th', head)}{''.join(rows)}</table></div>"


def when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))
