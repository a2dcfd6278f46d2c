"""Long answers become several messages, and nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.kit.contract import Limits
from bots.kit.markdown import Block, Plain, parse
from bots.kit.split import measure, split, units

WORDS = st.text(alphabet="ab é.😀 ", min_size=1, max_size=40).map(lambda text: f"w{text}w")
PIECES = st.one_of(
    WORDS,
    WORDS.map(lambda text: f"**{text}** and [{text}](https://a.example/{len(text)})"),
    WORDS.map(lambda text: f"# {text}"),
    st.lists(WORDS, min_size=1, max_size=6).map(lambda items: "\n".join(f"- {item}" for item in items)),
    st.lists(WORDS, min_size=1, max_size=6).map(lambda lines: "```\n" + "\n".join(lines) + "\n```"),
    WORDS.map(lambda text: f"> {text}"),
)
MARKDOWN = st.lists(PIECES, min_size=1, max_size=12).map("\n\n".join)


def cut(text: str, limit: int, unit: str = "characters") -> list[tuple[Block, ...]]:
    return split(parse(text), limit, measure(Limits(unit=unit), Plain().render))


def said(blocks: tuple[Block, ...]) -> str:
    return "".join("".join((block.marker + block.text).split()) for block in blocks)


@given(MARKDOWN, st.sampled_from([64, 120, 400]), st.sampled_from(["characters", "utf16", "bytes"]))
def test_every_message_fits_and_together_they_say_all_of_it(text: str, limit: int, unit: str) -> None:
    messages = cut(text, limit, unit)
    assert all(units(Plain().render(message), unit) <= limit for message in messages)
    assert "".join(map(said, messages)) == said(parse(text))


def test_what_stands_between_quoted_blocks_counts_too() -> None:
    text = "waw\n\nwaw\n\nwaw\n\nwa😀w\n\nwaaaaaaaw\n\n- waaaaaaaa😀😀w\n\n> waw\n\n> waw"
    assert all(units(Plain().render(message), "utf16") <= 64 for message in cut(text, 64, "utf16"))


def test_a_short_answer_stays_one_message() -> None:
    assert len(cut("one\n\ntwo", 100)) == 1


def test_blocks_are_kept_whole_where_they_fit() -> None:
    messages = cut("a" * 60 + "\n\n" + "b" * 60, 100)
    assert [Plain().render(message) for message in messages] == ["a" * 60, "b" * 60]


def test_a_long_paragraph_is_cut_after_a_sentence() -> None:
    first, second = cut("This is the first one. " * 3 + "And the last one ends here.", 90)
    assert Plain().render(first).strip().endswith("first one.")
    assert Plain().render(second) == "And the last one ends here."


def test_cut_code_is_code_on_both_sides() -> None:
    messages = cut("```py\n" + "\n".join(f"line {n}" for n in range(40)) + "\n```", 100)
    assert len(messages) > 2
    assert {(block.kind, block.lang) for message in messages for block in message} == {("code", "py")}
    assert all(Plain().render(message).startswith("line ") for message in messages)


def test_a_heading_is_not_left_behind() -> None:
    messages = cut("x" * 50 + "\n\n# Head\n\n" + "y" * 60, 80)
    assert Plain().render(messages[1]).startswith("Head")


@pytest.mark.parametrize("glyph", ["👩‍🚀", "🇩🇪", "e\u0301", "👍🏽"])
def test_what_is_drawn_as_one_is_not_cut_in_two(glyph: str) -> None:
    pieces = [Plain().render(message) for message in cut(glyph * 40, 64)]
    assert len(pieces) > 1
    assert all(piece == glyph * piece.count(glyph) for piece in pieces)


def test_a_link_is_moved_rather_than_broken() -> None:
    messages = cut("word " * 15 + "[a link of some words](https://a.example)", 100)
    assert [span.text for message in messages for block in message for span in block.spans if span.href] == [
        "a link of some words"
    ]
