"""Which model answers, by environment and assistant file; and the events of a stream."""

import pytest

from core.assistant import Models
from core.dialog.models import DEFAULT, default_name, make, make_tuned
from core.dialog.models.sse import Events, TooLong
from core.errors import ConfigError
from core.settings import Settings
from core.tokens import for_model


def configured(**values):
    return Settings(**{f"{Settings.model_fields[name].validation_alias}": value for name, value in values.items()})


@pytest.fixture(autouse=True)
def _no_model_in_the_environment(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TURNOUT_MODEL", "TURNOUT_TUNED_MODEL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("named", "given", "expected"),
    [
        ("", {}, "extractive"),
        ("gpt-x", {}, "extractive"),
        ("", {"openai_api_key": "sk"}, DEFAULT),
        ("gpt-x", {"openai_api_key": "sk"}, "gpt-x"),
        ("gpt-x", {"openai_base_url": "http://127.0.0.1:1/v1", "model": "gpt-y"}, "gpt-y"),
        ("extractive", {"openai_api_key": "sk"}, "extractive"),
    ],
)
async def test_the_model_is_named_by_environment_then_file_then_default(named, given, expected, tmp_path):
    model = make(Models(prompt=named), configured(**given), for_model(named, tmp_path))
    assert model.name == expected
    await model.aclose()


def test_a_model_named_without_a_server_is_an_error_that_names_the_fix():
    with pytest.raises(ConfigError, match=r"TURNOUT_MODEL.*OPENAI_API_KEY"):
        default_name(Models(), configured(model="gpt-x"))


async def test_a_tuned_model_is_there_only_when_named_and_served(tmp_path):
    tokens = for_model("x", tmp_path)
    served = configured(openai_api_key="sk")
    assert make_tuned(Models(), served, tokens) is None
    assert make_tuned(Models(tuned="ft:x"), configured(), tokens) is None
    tuned = make_tuned(Models(tuned="ft:x"), served, tokens)
    assert tuned is not None
    assert tuned.name == "ft:x"
    await tuned.aclose()


def test_events_are_found_however_the_bytes_are_split():
    stream = b": hi\r\nevent: x\r\ndata: one\r\n\r\ndata: two\ndata:2\n\n\n\rdata: three\r\rid: 7\n\ndata: last"
    for size in range(1, len(stream)):
        events = Events(1000)
        got = [event for at in range(0, len(stream), size) for event in events.feed(stream[at : at + size])]
        assert [*got, *events.close()] == [b"one", b"two\n2", b"three", b"last"]


def test_an_event_that_does_not_end_is_refused():
    with pytest.raises(TooLong):
        Events(100).feed(b"data: 67890\n" * 21)
    with pytest.raises(TooLong):
        Events(100).feed(b"data: " + b"x" * 100)
