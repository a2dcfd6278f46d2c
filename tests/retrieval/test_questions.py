"""A file of questions is read, or its mistakes are told by line."""

import pytest

from core.evaluation.lines import BadQuestions
from retrieval.evaluation.questions import Question, read, write

GOOD = '{"question": "How long?", "sources": ["a.md"]}'


def told(tmp_path, text, name="q.jsonl"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadQuestions) as caught:
        read(path)
    return str(caught.value).replace(str(path), name)


def test_what_is_written_is_read(tmp_path):
    questions = [Question(question="How long?", id="1", sources=("a.md",), quotes=("30 days",), kind="generated", version="2")]
    write(tmp_path / "q.jsonl", questions)
    assert read(tmp_path / "q.jsonl") == questions


def test_a_question_without_an_id_has_the_same_one_every_time(tmp_path):
    (tmp_path / "a.jsonl").write_text(f"\n{GOOD}\n\n")
    (tmp_path / "b.jsonl").write_text(GOOD)
    assert read(tmp_path / "a.jsonl") == read(tmp_path / "b.jsonl")


def test_other_fields_are_left_alone_and_a_word_stands_for_a_list_of_one(tmp_path):
    (tmp_path / "q.jsonl").write_text('{"question": "How long?", "sources": "a.md", "ticket": 7}')
    assert read(tmp_path / "q.jsonl")[0].sources == ("a.md",)


def test_a_table_is_read_too(tmp_path):
    (tmp_path / "q.csv").write_text(
        '\ufeffquestion,sources,quotes,answerable,slice\n"How long, please?",a.md|b.md,"30 days",,returns\nWho won?,,,no,\n',
        "utf-8",
    )
    first, second = read(tmp_path / "q.csv")
    assert (first.question, first.sources, first.quotes, first.slice) == (
        "How long, please?",
        ("a.md", "b.md"),
        ("30 days",),
        "returns",
    )
    assert not second.answerable


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{nonsense", "no JSON"),
        ("[1]", "must be an object"),
        ('{"sources": ["a.md"]}', "there is no `question`"),
        ('{"question": "  ", "sources": ["a.md"]}', "has no words"),
        ('{"question": "x"}', "nothing says what answers it"),
        ('{"question": "x", "sources": ["a.md"], "answerable": false}', "yet something is named"),
        ('{"question": "x", "sources": [""]}', "is empty"),
        ('{"question": "x", "source": ["a.md"]}', "did you mean 'sources'"),
        ('{"question": "x", "sources": ["a.md"], "kind": "robot"}', "kind"),
        ('{"question": "x", "sources": 7}', "sources"),
        (GOOD, "line 1"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path, line, why):
    said = told(tmp_path, f"{GOOD}\n{line}\n")
    assert said.startswith("q.jsonl:2: ")
    assert why in said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Frage,sources\nx,a.md\n", "q.csv:1: the first line must name the columns"),
        ("question,sources\nx,a.md,b.md\n", "q.csv:2: more cells than columns"),
        ("question,answerable\nx,perhaps\n", "q.csv:2: `answerable` must be true or false"),
    ],
)
def test_a_table_with_mistakes_is_told_too(tmp_path, text, why):
    assert why in told(tmp_path, text, "q.csv")


@pytest.mark.parametrize(("text", "why"), [("", "no question in it"), (b"\xff\xfe", "not UTF-8 at byte 0")])
def test_a_file_that_holds_none_is_refused(tmp_path, text, why):
    assert why in told(tmp_path, text)


def test_many_mistakes_are_not_all_told(tmp_path):
    assert "… and 20 more lines" in told(tmp_path, "x\n" * 30)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadQuestions, match="No such file"):
        read(tmp_path / "none.jsonl")
