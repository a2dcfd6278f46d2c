"""`turnout eval intents`: figures, a page, which examples to look at, and an exit status that tells of a regression."""

import json
import re

import pytest
from click.testing import CliRunner

from core.errors import TurnoutError
from core.evaluation.intents.commands import intents as command
from core.evaluation.intents.judged import Judged
from core.evaluation.intents.measuring import auroc
from tests.core.test_routing import INTENTS


@pytest.fixture
def evaluate(tmp_path, monkeypatch):
    monkeypatch.setenv("TURNOUT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TURNOUT_ASSISTANT", str(tmp_path / "assistant.toml"))

    def run(intents, *arguments: str, about: str = ""):
        tables = "\n".join(
            f'[[intents]]\nname = "{name}"\nexamples = [\n{"".join(f"  {json.dumps(text)},{chr(10)}" for text in texts)}]\n'
            for name, texts in intents.items()
        )
        (tmp_path / "assistant.toml").write_text(f'[assistant]\nname = "x"\ndefault_route = ["rag"]\n{about}\n{tables}')
        return CliRunner().invoke(command, [*arguments])

    return run


@pytest.fixture
def messages(tmp_path):
    rows = [{"text": f"{text} please", "intent": name} for name, texts in INTENTS.items() for text in texts]
    rows += [{"text": text, "intent": ""} for text in ("who wrote Hamlet", "quantum physics")]
    (tmp_path / "messages.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return str(tmp_path / "messages.jsonl")


def test_it_tells_figures_for_examples_and_messages_and_draws_a_page(evaluate, messages, tmp_path) -> None:
    result = evaluate(INTENTS, messages, about="risk = 0.05")
    assert result.exit_code == 0, result.output
    assert "own examples: 23 messages" in result.output
    assert "messages: 25 messages" in result.output
    assert "out of scope, not answered" in result.output
    assert "cannot be promised" in result.output
    page = next((tmp_path / "data" / "evaluation" / "intents").glob("*.html")).read_text()
    assert page.count("<svg") >= 8
    assert "://" not in page


def test_an_f1_lies_between_its_precision_and_recall_also_where_messages_are_declined(evaluate, messages) -> None:
    result = evaluate(INTENTS, messages, about="out_of_scope_below = 0.5")
    told = re.findall(r"precision ([\d.]+)  recall ([\d.]+)  F1 ([\d.]+)", result.output)
    assert len(told) >= len(INTENTS)
    for precision, recall, f1 in ((float(a), float(b), float(c)) for a, b, c in told):
        assert min(precision, recall) - 0.01 <= f1 <= max(precision, recall) + 0.01


def test_out_of_scope_is_drawn_over_every_limit_and_its_area_counts_pairs(evaluate, messages, tmp_path) -> None:
    assert "out of scope, AUROC" in evaluate(INTENTS, messages).output
    page = next((tmp_path / "data" / "evaluation" / "intents").glob("*.html")).read_text()
    assert "let through, over the share of the others kept" in page
    seen = [Judged("a", "x", "x", "intent", 1.0, "p", scope=scope) for scope in (0.9, 0.4)]
    strange = [Judged("b", "", "x", "intent", 1.0, "p", scope=scope) for scope in (0.4, 0.1)]
    assert auroc([*seen, *strange]) == (1 + 1 + 0.5 + 1) / 4


def test_what_is_near_to_the_scope_has_figures_of_its_own_and_those_let_through_are_listed(evaluate, tmp_path) -> None:
    rows = [{"text": f"{text} please", "intent": name} for name, texts in INTENTS.items() for text in texts]
    rows += [{"text": "how much is a hotel in Vienna", "intent": "", "near": True}, {"text": "quantum physics", "intent": ""}]
    (tmp_path / "messages.jsonl").write_text("\n".join(map(json.dumps, rows)))
    output = evaluate(INTENTS, str(tmp_path / "messages.jsonl"), about="clarify_below = 0\nout_of_scope_below = 0").output
    assert re.search(r"near out of scope, not answered +0\.000 .* n 1", output)
    assert "near out of scope, AUROC" in output
    page = next((tmp_path / "data" / "evaluation" / "intents").glob("*.html")).read_text()
    assert "<td>how much is a hotel in Vienna</td>" in page
    assert "<td>quantum physics</td>" not in page
    assert "curve beside" in page


def test_examples_that_are_said_twice_or_look_misplaced_are_named_with_their_lines(evaluate, tmp_path) -> None:
    swapped = INTENTS | {"sizing": (*INTENTS["sizing"], "how much is shipping")}
    result = evaluate(swapped)
    first = [
        n
        for n, line in enumerate((tmp_path / "assistant.toml").read_text().splitlines(), 1)
        if '"how much is shipping"' in line
    ]
    assert f"lines {first[1]} and {first[0]}" in result.output or f"lines {first[0]} and {first[1]}" in result.output
    assert "keep one" in result.output
    assert "returns has 6 examples: add 6" in result.output


def test_a_regression_ends_with_another_exit_status(evaluate, messages) -> None:
    assert evaluate(INTENTS, messages).exit_code == 0
    assert evaluate(INTENTS, messages).exit_code == 0
    names = [*INTENTS]
    turned = {name: INTENTS[names[(place + 1) % len(names)]] for place, name in enumerate(names)}
    worse = evaluate(turned, messages)
    assert isinstance(worse.exception, TurnoutError)
    assert "worse than the last run" in str(worse.exception)


def test_what_cannot_be_measured_is_said(evaluate, tmp_path) -> None:
    assert "fewer than two intents" in str(evaluate({"returns": INTENTS["returns"]}).exception)
    (tmp_path / "bad.jsonl").write_text('{"text": "a", "intent": "nonsense"}')
    assert "no intent is called 'nonsense'" in str(evaluate(INTENTS, str(tmp_path / "bad.jsonl")).exception)
