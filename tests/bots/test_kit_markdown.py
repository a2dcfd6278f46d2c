"""Markdown into one tree, and from it plain text and safe HTML."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.kit.markdown import Plain, Span, parse, to_html
from core.records import Citation

CITED = (
    Citation(n=1, source="returns.md", title="Returns", url="https://shop.example/returns"),
    Citation(n=2, source="x", title="X"),
)


def plain(text: str) -> str:
    return Plain().render(parse(text, CITED))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# Head\n\nHi **bold** *it* ~~no~~ `co*de*`", "Head\n\nHi bold it no co*de*"),
        ("- a\n- b\n  1. c\n  2. d\n\nend", "• a\n• b\n  1. c\n  2. d\n\nend"),
        ("3. three\n4. four", "3. three\n4. four"),
        ("> said\n> so", "> said so"),
        ("one\\\ntwo\nthree", "one\ntwo three"),
        ("[page](https://a.example) <https://b.example>", "page (https://a.example) https://b.example"),
        ("![a cat](https://a.example/cat.png)", "a cat (https://a.example/cat.png)"),
        ("|a|b|\n|-|-|\n|long|1|", "a     b\n────  ─\nlong  1"),
        ("```py\nx = 1\n\ny\n```", "x = 1\n\ny"),
        ("a <b>raw</b> [1]", "a <b>raw</b> [1]"),
        ("[1]: https://a.example", "[1]: https://a.example"),
        ("***", "———"),
        ("", ""),
    ],
)
def test_every_construct_has_a_plain_form(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_only_marks_of_real_citations_become_citations() -> None:
    spans = parse("see [1], [7] and `[1]`", CITED)[0].spans
    assert [span for span in spans if "cite" in span.marks] == [Span("[1]", frozenset({"cite"}), CITED[0].url)]


def test_a_citation_mark_is_a_superscript_with_a_link_where_the_source_has_one() -> None:
    html = to_html("ninety days [1] [2] [3]", CITED)
    assert '<sup class="cite" data-n="1"><a href="https://shop.example/returns"' in html
    assert '<sup class="cite" data-n="2">[2]</sup>' in html
    assert html.endswith("[3]</p>\n")


def test_links_on_the_web_pass_no_rank_and_no_opener() -> None:
    assert 'rel="nofollow noopener"' in to_html("[a](https://a.example)")


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,AAAA)",
        "![x](https://evil.example/pixel.png)",
        '[x](https://a.example "\\" onmouseover=\\"alert(1)")',
        "```<script>\nalert(1)\n```",
    ],
)
def test_nothing_dangerous_reaches_a_web_page(attack: str) -> None:
    assert _dangers(to_html(attack)) == []


@given(st.text(alphabet=st.sampled_from(list("<>[]()!`*_~|#-\n \"'&:/x1")) | st.characters(codec="utf-8"), max_size=200))
def test_no_text_makes_html_beyond_the_allowed_tags(text: str) -> None:
    assert _dangers(to_html(text, CITED)) == []


class _Watch(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.dangers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        links = [str(value) for name, value in attrs if name == "href" and ":" in str(value).split("/")[0]]
        self.dangers += [tag] if tag in ("script", "img", "iframe", "style", "svg", "form", "input") else []
        self.dangers += [name for name, _ in attrs if name.startswith("on") or name == "style"]
        self.dangers += [link for link in links if link.split(":")[0] not in ("http", "https", "mailto", "tel")]


def _dangers(html: str) -> list[str]:
    watch = _Watch()
    watch.feed(html)
    return watch.dangers
