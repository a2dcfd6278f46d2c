"""A turn as Slack messages: every construct, every limit of Slack's, nothing lost."""

import json
from typing import Any

import pytest

from bots.slack.parse import plain_text
from bots.slack.render import natives, preview
from core.records import Citation, Event, Part, Turn
from tests.bots.slack_rig import turn_of
from tests.fakes.slack_workspace import check

ASKED = Event(
    id="e1",
    channel="slack",
    lane="l1",
    text="?",
    address={"team": "T", "channel": "C1", "thread": "1.0", "ts": "1.0", "user": "U"},
)


def answer(text: str, **more: object) -> Turn:
    return turn_of(ASKED, text, **more)


def blocks(text: str, **more: object) -> list[dict[str, Any]]:
    (message,) = natives(answer(text, **more))
    found: list[dict[str, Any]] = message.body["blocks"]  # type: ignore[assignment]
    return found


def elements(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = blocks(text, outcome="clarify")[0]["elements"]
    return found


def letters(messages: list[Any]) -> str:
    """All words of the rich text, in order, without white space."""
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            found.extend([node["text"]] if isinstance(node.get("text"), str) else [])
            walk(node.get("elements", []))
        elif isinstance(node, list):
            for one in node:
                walk(one)

    walk([block for message in messages for block in message.body["blocks"] if block["type"] == "rich_text"])
    return "".join("".join(found).split())


def test_every_construct_has_its_own_form() -> None:
    text = "# Title\n\nSome **bold**, *italic*, ~~gone~~, `code` and [a link](https://x.example/a).\n\n> quoted\n\n- one\n  - two\n\n3. three\n4. four\n\n```python\nprint('<b>')\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n---\n\nend"
    found = elements(text)
    assert [one["type"].removeprefix("rich_text_") for one in found] == [
        "section",
        "quote",
        "list",
        "list",
        "list",
        "preformatted",
        "preformatted",
        "section",
    ]
    spans = {one["text"]: one for one in found[0]["elements"]}
    assert spans["Title"]["style"] == {"bold": True}
    assert spans["bold"]["style"] == {"bold": True}
    assert spans["italic"]["style"] == {"italic": True}
    assert spans["gone"]["style"] == {"strike": True}
    assert spans["code"]["style"] == {"code": True}
    assert spans["a link"] == {"type": "link", "url": "https://x.example/a", "text": "a link"}
    assert [(one["style"], one["indent"], one.get("offset", 0)) for one in found[2:5]] == [
        ("bullet", 0, 0),
        ("bullet", 1, 0),
        ("ordered", 0, 2),
    ]
    assert len(found[4]["elements"]) == 2
    assert found[5]["elements"][0]["text"] == "print('<b>')"
    assert found[6]["elements"][0]["text"].splitlines()[0] == "a  b"


def test_bold_inside_a_word_and_without_spaces_stays_bold() -> None:
    assert [one for one in elements("这是**重点**内容")[0]["elements"] if one.get("style")] == [
        {"type": "text", "text": "重点", "style": {"bold": True}}
    ]


@pytest.mark.parametrize("text", ["<!channel> <@U123> <#C1|x>", "a < b && c > d", "&lt;b&gt;"])
def test_text_is_only_text(text: str) -> None:
    shown = "".join(one["text"] for one in elements(text)[0]["elements"])
    assert shown == text.replace("&lt;", "<").replace("&gt;", ">")


@pytest.mark.parametrize(
    "text",
    [
        "A sentence of some words, said again. " * 2000,
        "\n".join(f"- item {number} with **bold** and [link](https://x.example/{number})" for number in range(1500)),
        "```\n" + "\n".join(f"line {number}" for number in range(5000)) + "\n```",
        "😀" * 5000,
        "x" * 30_000,
        "\n\n".join(f"## Heading {number}\n\nText {number}." for number in range(800)),
        "| a | b |\n|---|---|\n" + "\n".join(f"| {number} | value |" for number in range(1500)),
    ],
    ids=["prose", "list", "code", "emoji", "one word", "headings", "table"],
)
def test_a_long_answer_is_split_and_nothing_is_lost(text: str) -> None:
    messages = natives(answer(text))
    assert len(messages) > 1
    for message in messages:
        check({"text": message.plain, "blocks": message.body["blocks"]})
    whole = letters(messages)
    for word in text.split()[:: max(len(text.split()) // 200, 1)]:
        assert word.strip("-#|*`") in whole or "[link]" in word
    if text.startswith(("😀", "x", "A")):
        assert whole == "".join(text.split())
    assert len({message.id for message in messages}) == len(messages)


def test_the_same_turn_is_rendered_the_same() -> None:
    assert natives(answer("word " * 9000)) == natives(answer("word " * 9000))


def test_sources_stand_below_with_links_only_where_an_address_is_for_everybody() -> None:
    citations = (
        Citation(
            n=2,
            source="returns.md",
            title="Returns & <refunds>",
            url="/sources/returns.md#p1",
            quote="30   days\nfrom delivery",
        ),
        Citation(n=1, source="w", title="Warranty", url="https://shop.example/w?a=1&b=2", quote=""),
    )
    text, sources, _ = blocks("Thirty days [1] [2].", citations=citations)
    assert [one["text"] for one in sources["elements"]] == [
        "[1] <https://shop.example/w?a=1&amp;b=2|Warranty>",
        "[2] *Returns &amp; &lt;refunds&gt;* — “30 days from delivery”",
    ]
    spans = text["elements"][0]["elements"]
    assert [one["url"] for one in spans if one["type"] == "link"] == ["https://shop.example/w?a=1&b=2"]


def test_the_plain_text_says_it_all_too() -> None:
    (message,) = natives(
        answer(
            "Thirty **days** [1].",
            citations=(Citation(n=1, source="r", title="Returns", quote="30 days"),),
            parts=(Part(text="Thirty **days** [1].", choices=("Yes", "No")),),
        )
    )
    assert message.plain.startswith("Thirty days [1].")
    assert "Returns" in message.plain
    assert "• Yes\n• No" in message.plain


def test_many_sources_and_choices_keep_to_slacks_limits() -> None:
    citations = tuple(
        Citation(n=n, source=f"s{n}", title="标题" * 40, url=f"https://x.example/{n}", quote="引" * 300) for n in range(1, 41)
    )
    choices = tuple(f"{number} " + "choice " * 30 for number in range(60))
    messages = natives(answer("", citations=citations, parts=(Part(text="Which?", choices=choices),)))
    for message in messages:
        check({"text": message.plain, "blocks": message.body["blocks"]})
    whole = json.dumps([message.body for message in messages])
    assert whole.count('"type": "button"') == 60
    assert whole.count('"mrkdwn"') == 40


def test_a_turn_that_says_nothing_is_no_message() -> None:
    assert natives(answer("", parts=(), outcome="noted")) == []


def test_a_preview_is_marked_as_unfinished_and_keeps_to_the_limits() -> None:
    for text in ("Half **an", "```\nhalf a", "word " * 20_000):
        shown, plain = preview(text)
        check({"text": plain, "blocks": shown})
        assert plain.endswith("…")


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("<@U0BOT> hi &amp; &lt;bye&gt;", "hi & <bye>"),
        ("ask <@U7|ann> or <@U8>", "ask @ann or @U8"),
        (
            "see <https://a.example/x|the page> and <https://b.example>",
            "see the page (https://a.example/x) and https://b.example",
        ),
        ("<mailto:a@b.example|a@b.example> <tel:+431|+431> <http://c.example|c.example>", "a@b.example +431 http://c.example"),
        ("<#C1|general> <!here> <!subteam^S1|@support> <!date^1^{date}|today>", "#general @here @support today"),
        ("&amp;lt; stays", "&lt; stays"),
        ("مرحبا 👋🏽", "مرحبا 👋🏽"),
    ],
)
def test_slacks_markup_is_read_as_people_see_it(raw: str, plain: str) -> None:
    assert plain_text(raw, "U0BOT") == plain
