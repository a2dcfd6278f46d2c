"""Answers as Telegram messages: always valid, never too long, sources and keys where they belong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.telegram.render import messages, preview
from core.records import Citation, Part, Turn
from tests.fakes.telegram_text import read

CITED = (
    Citation(n=1, source="returns.md", title="Returns & refunds", url="https://shop.example/r?a=1&b=2", quote="Ninety <days>."),
    Citation(n=2, source="faq.md", title="Questions"),
)


def turn(text: str, *, choices: tuple[str, ...] = (), **fields: object) -> Turn:
    parts = (Part(text=text, choices=choices),)
    return Turn(id="t1", channel="telegram", lane="l", events=("t1",), upto=1, parts=parts, **fields)  # type: ignore[arg-type]


def shown(made: Turn) -> list[str]:
    return [read(str(message.body["text"]), "HTML")[0] for message in messages(made)]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**b** *i* ~~s~~ `a<b`", "<b>b</b> <i>i</i> <s>s</s> <code>a&lt;b</code>"),
        ("***both***", "<i><b>both</b></i>"),
        ("# Head & more", "<b>Head &amp; more</b>"),
        ("[a](https://a.example/?x=1&y=2)", '<a href="https://a.example/?x=1&amp;y=2">a</a>'),
        ("[a](/relative)", "a"),
        ("- a\n  - b", "• a\n  ◦ b"),
        ("> one\n>\n> > two", "<blockquote>one\n\ntwo</blockquote>"),
        ("```py\na < b\n```", '<pre><code class="language-py">a &lt; b</code></pre>'),
        ("|a|b|\n|-|-|\n|1|2|", "<pre>a  b\n─  ─\n1  2</pre>"),
        ("it **is `code`**", "it <b>is </b><code>code</code>"),
    ],
)
def test_every_construct_is_drawn_with_the_tags_telegram_knows(text: str, html: str) -> None:
    [message] = messages(turn(text))
    assert message.body["text"] == html
    read(html, "HTML")


@given(st.text(alphabet=st.sampled_from(list("*_`~#>-[]()|<>&!:\n 1a😀")), max_size=300))
def test_whatever_the_model_writes_is_valid_for_telegram(text: str) -> None:
    assert all(part.strip() for part in shown(turn(text)))


@settings(max_examples=25)
@given(
    st.lists(
        st.sampled_from(["word", "**bold**", "😀" * 30, "`code`", "[l](https://a.example)", "\n\n", "a. "]),
        min_size=200,
        max_size=2500,
    )
)
def test_a_long_answer_fits_and_is_complete(pieces: list[str]) -> None:
    made = turn(" ".join(pieces))
    drawn = shown(made)
    assert all(len(message.plain.encode("utf-16-le")) // 2 <= 4096 for message in messages(made))
    squeezed = "".join(" ".join(pieces).replace("*", "").replace("`", "").replace("[l](https://a.example)", "l").split())
    assert "".join("".join(drawn).split()) == squeezed


def test_citations_are_links_and_stand_below_in_an_expandable_quote() -> None:
    [message] = messages(turn("Ninety days [1], see [2].", citations=CITED))
    html = str(message.body["text"])
    assert '<a href="https://shop.example/r?a=1&amp;b=2">[1]</a>, see [2].' in html
    assert html.count("<blockquote expandable>") == 1
    assert read(html, "HTML")[0].endswith("Sources\n› [1] Returns & refunds — “Ninety <days>.”\n› [2] Questions")
    assert message.plain.endswith(
        "› [1] Returns & refunds (https://shop.example/r?a=1&b=2) — “Ninety <days>.”\n› [2] Questions"
    )


def test_sources_that_do_not_fit_below_the_answer_are_a_message_of_their_own() -> None:
    assert len(shown(turn("x" * 4000, citations=CITED))) == 2


def test_many_long_sources_are_split_as_well() -> None:
    many = tuple(Citation(n=n, source="s", title="t" * 300, quote="q" * 200) for n in range(1, 40))
    assert len(shown(turn("answer [1]", citations=many))) > 2


def test_choices_are_keys_and_long_ones_keep_within_callback_data() -> None:
    *_, message = messages(turn("Which?", choices=("Short", "é" * 40), outcome="clarify"))
    assert message.body["keys"] == [
        [{"text": "Short", "callback_data": "c:Short"}],
        [{"text": "é" * 40, "callback_data": "n:1"}],
    ]


def test_thumbs_stand_below_worked_answers_only() -> None:
    assert "keys" in messages(turn("answer", track="rag"))[0].body
    assert "keys" not in messages(turn("hi there", track="template"))[0].body


def test_in_a_group_the_first_message_answers_the_question() -> None:
    first, second = messages(turn("x" * 5000, address={"chat": "-5", "kind": "group", "message": "10"}))
    assert (first.body.get("reply"), second.body.get("reply")) == ("10", None)


def test_a_turn_without_words_is_no_message() -> None:
    assert messages(turn("", outcome="noted")) == []


@given(st.text(max_size=100))
def test_a_preview_of_any_length_is_valid(text: str) -> None:
    drawn = preview(text * 60)
    assert drawn == "" or read(drawn, "HTML")


def test_a_code_block_that_has_only_begun_shows_nothing_yet() -> None:
    assert preview("```") == ""
