"""The page of a cited document: the cited words marked in their place, whatever the document looks like."""

import re
import time

from bots.web.sources import CHANGED, marked

PLAN = """# Plan
Bikes cost **899 euros** or
less.
| Code | Meaning |
| --- | --- |
| E04 | Sensor \\| magnet <b> |
| E05 | Torque |
## End
Bikes cost **899 euros** or more."""


def shown(html: str) -> list[str]:
    return re.findall(r"<mark[^>]*>(.*?)</mark>", html, re.DOTALL)


def test_a_row_of_a_table_is_marked_cell_by_cell_and_named_once():
    html = marked(PLAN, "| E04 | Sensor \\| magnet <b> |")
    assert [cell.strip() for cell in shown(html)] == ["E04", "Sensor \\| magnet &lt;b&gt;"]
    assert html.count('id="cited"') == 1
    assert html.count("<tr>") == 3
    assert "<th> Code </th>" in html


def test_of_words_that_stand_there_twice_the_cited_place_is_marked():
    first, second = marked(PLAN, "Bikes cost"), marked(PLAN, "Bikes cost", PLAN.rindex("Bikes"))
    assert first.index("<mark") < first.index("<table>")
    assert second.index("<mark") > second.index("<table>")


def test_words_across_lines_are_one_mark_and_headings_are_headings():
    html = marked(PLAN, "899 euros** or less.")
    assert shown(html) == ["899 euros** or\nless."]
    assert "<h2>Plan</h2>" in html


def test_a_quote_that_is_gone_is_said_to_be_gone():
    assert CHANGED in marked(PLAN, "Bikes are free")
    assert CHANGED not in marked(PLAN, "")


def test_a_very_long_document_of_any_shape_is_drawn_soon():
    for line in ("word " * 20 + "\n", "| a | b |\n", "|" * 99 + "\n", "# # #\n", "**a " * 20 + "\n"):
        text = line * (600_000 // len(line))
        started = time.process_time()
        assert "needle" in marked(f"{text}needle", "needle", 600_000)
        assert time.process_time() - started < 20
