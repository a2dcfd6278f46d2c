"""The documents name only what exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_proof_named_exists() -> None:
    text = (ROOT / "docs" / "capabilities.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", text)
    assert named
    for path, test in named:
        assert (ROOT / path).exists(), path
        assert not test or f"def {test}(" in (ROOT / path).read_text("utf-8"), test


def test_every_capability_has_a_row_and_none_without_a_state() -> None:
    rows = re.findall(
        r"^\| P(\d+) \|[^|]+\| (proved|part|not yet)", (ROOT / "docs" / "capabilities.md").read_text("utf-8"), re.M
    )
    assert [int(number) for number, _ in rows] == list(range(1, 34))
