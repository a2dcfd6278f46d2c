"""How the web channel tells a committed turn."""

import pytest

from bots.web.reply import reply
from core.records import Citation, Part, Turn


@pytest.mark.parametrize("url", ["https://shop.example/returns", "HTTP://shop.example/", "/help/returns"])
def test_a_source_with_an_address_is_opened_there(url: str) -> None:
    assert shown(url) == url


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "//elsewhere.example", "/\\x.example"]
)
def test_a_source_with_none_that_a_browser_may_open_is_shown_here(url: str) -> None:
    assert shown(url) == "/sources/faq/returns%3F.md?quote=thirty+days#cited"


def shown(url: str) -> str:
    citation = Citation(n=1, source="faq/returns?.md", title="Returns", url=url, quote="thirty\n days")
    turn = Turn(
        id="t", channel="web", lane="l", events=("t",), upto=1, parts=(Part(text="30 days [1]"),), citations=(citation,)
    )
    return reply(turn).citations[0].url
