"""A file of cases is read, or its mistakes are told by line."""

from pathlib import Path

import pytest

from core import assistant
from core.evaluation.lines import BadQuestions
from core.evaluation.tracks.cases import check, read
from core.evaluation.tracks.records import Case, Change, Format

SHOP = Path(__file__).parents[2] / "examples" / "shop"


def told(tmp_path: Path, text: str, name: str = "q.jsonl") -> str:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadQuestions) as caught:
        check(read(tmp_path / name), assistant.read(SHOP / "assistant.toml"))
    return str(caught.value).replace(str(tmp_path), "")


def test_all_that_a_case_may_say(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text(
        '{"question": "And for helmets?", "id": "h", "before": "How long?", "claims": ["unworn", ["30 days", "a month"]],'
        ' "forbidden": "guarantee", "sources": ["returns.md"], "intent": "returns", "language": "en", "risk": "high",'
        ' "volatility": "days", "format": {"words": 40, "cite": true, "json": {"days": "number"}}, "group": "talk",'
        ' "change": {"source": "returns.md", "old": "30 days", "new": "45 days"}, "kind": "log", "ticket": 7}'
    )
    assert read(tmp_path / "q.jsonl") == [
        Case(
            question="And for helmets?",
            id="h",
            before=("How long?",),
            claims=(("unworn",), ("30 days", "a month")),
            forbidden=("guarantee",),
            sources=("returns.md",),
            intent="returns",
            language="en",
            risk="high",
            volatility="days",
            format=Format(words=40, cite=True, json={"days": "number"}),
            group="talk",
            change=Change(source="returns.md", old="30 days", new="45 days"),
            kind="log",
        )
    ]


def test_a_table_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text(
        "question,claims,format.words,change.source,change.old,change.new,answerable\n"
        'How long?,"30 days / a month|unworn",40,returns.md,30 days,45 days,\nWho won?,,,,,,no\n'
    )
    first, second = read(tmp_path / "q.csv")
    assert first.claims == (("30 days", "a month"), ("unworn",))
    assert first.format == Format(words=40)
    assert first.change == Change(source="returns.md", old="30 days", new="45 days")
    assert not second.answerable


def test_the_shops_questions_are_cases_and_their_quotes_the_facts() -> None:
    cases = read(SHOP / "questions.jsonl")
    check(cases, assistant.read(SHOP / "assistant.toml"))
    by_id = {case.id: case for case in cases}
    assert len(cases) == 100
    assert by_id["q001"].claims == (("30 days",), ("no more than 20 km",))
    assert not by_id["q089"].answerable
    assert by_id["q086"].claims, "a greeting has a right answer, though no document holds it"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{nonsense", "/q.jsonl:1: no JSON"),
        ('{"claims": ["a"]}', "there is no `question`"),
        ('{"question": "x"}', "nothing says what a right answer is"),
        ('{"question": "x", "claims": [""]}', "one of its `claims` is empty"),
        ('{"question": "x", "claims": 7}', "must be a list of facts"),
        ('{"question": "x", "claim": ["a"]}', "did you mean 'claims'"),
        ('{"question": "x", "claims": ["a"], "intent": "return"}', "did you mean 'returns'"),
        ('{"question": "x", "claims": ["a"], "risk": "none"}', "risk"),
        ('{"question": "x", "format": {"pattern": "("}}', "no regular expression"),
        ('{"question": "x", "format": {"json": {"a": "text"}}}', "known are string"),
        ('{"question": "x", "claims": ["a"], "change": {"source": "a.md", "old": "b", "new": "b"}}', "into other words"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, line: str, why: str) -> None:
    assert why in told(tmp_path, line)


def test_changes_that_exclude_one_another_are_told(tmp_path: Path) -> None:
    line = '{{"question": "{0}", "claims": ["a"], "change": {{"source": "a.md", "old": "b", "new": "{0}"}}}}\n'
    assert "otherwise than" in told(tmp_path, line.format("c") + line.format("d"))
