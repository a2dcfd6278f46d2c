"""The assistant file: every mistake is named with its key and its line, and an edit is followed while the program runs."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from core import toml_lines
from core.assistant import Assistant, Watched, read
from core.errors import ConfigError

SMALLEST = '[assistant]\nname = "Shop"\ndefault_route = ["prompt"]\n'
INTENT = '\n[[intents]]\nname = "a"\nexamples = ["one"]\n'
SOURCE = '\n[[knowledge.sources]]\nname = "help"\nat = "docs"\n'

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "assistant.toml"
        path.write_text(text, "utf-8")
        return path

    return write


def complaint(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read(path)
    return str(caught.value).replace(f"{path}:", "")


def test_the_smallest_file_is_enough(write: Write) -> None:
    assistant = read(write(SMALLEST))
    assert assistant.about.name == "Shop"
    assert assistant.route("whatever") == ("prompt",)


def test_a_byte_order_mark_and_windows_line_ends_are_forgiven(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALLEST.replace("\n", "\r\n").encode())
    assert read(path).about.name == "Shop"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SMALLEST + 'personna = "x"\n', "4: assistant.personna: unknown key: did you mean 'persona'?"),
        (SMALLEST + "\n[model]\n", "5: model: unknown key: did you mean 'models'?"),
        (SMALLEST + "\n[channels.telegram]\noverlap = 'quue'\n", "6: channels.telegram.overlap: must be 'queue', 'merge'"),
        (SMALLEST + '\n[channels."my web"]\nstrem = true\n', "6: channels.my web.strem: unknown key: did you mean 'stream'?"),
        (SMALLEST + "\n[channels]\nweb = { stream = true,  size = 1 }\n", "6: channels.web.size: unknown key"),
        ('assistant = { name = "x", default_route = ["rag"], bad = 1 }\n', "1: assistant.bad: unknown key"),
        (
            'assistant.name = "x"\nassistant.default_route = ["rag"]\nassistant.clarify_below = 3\n',
            "3: assistant.clarify_below:",
        ),
        (SMALLEST + '\n[models]\ntemperature = "hot"\n', "6: models.temperature: must be a number"),
        (SMALLEST + INTENT + 'route = "rag"\n', '8: intents[1].route: must be a list, for example ["a", "b"]'),
        (SMALLEST + INTENT + INTENT, "10: intents[2].name: intents 1 and 2 are both called 'a'"),
        (SMALLEST + INTENT + '\n[[intents]]\nexamples = ["x"]\n', "9: intents[2].name: is missing"),
        (
            SMALLEST + INTENT + 'route = [\n  "rag",\n  "rga",  # a slip\n]\n',
            "10: intents[1].route[2]: no track is called 'rga': did you",
        ),
        (SMALLEST + INTENT + 'route = ["template"]\n', "8: intents[1].route: intent 'a' takes the template track but has no"),
        (SMALLEST + INTENT.replace('"one"', '"one", 2'), "7: intents[1].examples[2]: must be a text in quotes"),
        (SMALLEST + INTENT.replace('"one"', '"one", " "'), "7: intents[1].examples[2]: an example without words"),
        (SMALLEST + INTENT.replace('"one"', ""), "7: intents[1].examples: must not be an empty list"),
        (SMALLEST + INTENT.replace('"a"', '"A b"'), "6: intents[1].name: may hold only small letters"),
        (
            'intents = [\n  { name = "a", examples = ["x"] },\n  { name = "b" },\n]\n' + SMALLEST,
            "3: intents[2].examples: is missing",
        ),
        (
            SMALLEST.replace("prompt", "promt"),
            "3: assistant.default_route[1]: no track is called 'promt': did you mean 'prompt'?",
        ),
        (SMALLEST + SOURCE + SOURCE, "10: knowledge.sources[2].name: sources 1 and 2 are both called 'help'"),
        (SMALLEST + SOURCE.replace("docs", "https://a.example"), "7: knowledge.sources[1].at: a folder is a path"),
        (SMALLEST + SOURCE + 'kind = "page"\n', "7: knowledge.sources[1].at: a page is an address that begins with https://"),
        (SMALLEST + SOURCE + 'kind = "loader"\n', "7: knowledge.sources[1].at: a loader is written module:attribute"),
        (SMALLEST + SOURCE.replace("docs", "ext::sh -c x://") + 'kind = "git"\n', "7: knowledge.sources[1].at: a git source"),
        (SMALLEST + SOURCE + "refesh = 2\n", "8: knowledge.sources[1].refesh: unknown key: did you mean 'refresh'?"),
        (SMALLEST + 'name = "again"\n', '4: Cannot overwrite a value: name = "again"'),
        (SMALLEST + "persona = \n", "4: Invalid value: persona ="),
        ("", "1: assistant: is missing (the smallest file is [assistant] with name"),
    ],
)
def test_a_mistake_is_named_with_its_key_and_line(write: Write, text: str, says: str) -> None:
    assert complaint(write(text)).startswith(says)


def test_all_mistakes_are_told_at_once(write: Write) -> None:
    told = complaint(write(SMALLEST + "\n[models]\nmax_tokens = 0\n[memory]\nturns = 0\n")).splitlines()
    assert [line.split(":")[1].strip() for line in told] == ["models.max_tokens", "memory.turns"]


def test_text_that_looks_like_toml_inside_a_string_does_not_lead_astray(write: Write) -> None:
    text = 'persona = """\n[models]\ntemperature = 1\n"""\n'
    assert complaint(write(SMALLEST + text + "[models]\ntemperature = 9\n")).startswith("9: models.temperature")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert "No such file" in complaint(tmp_path / "none.toml")
    assert "Is a directory" in complaint(tmp_path)
    (tmp_path / "a.toml").write_bytes("[assistant]".encode("utf-16"))
    assert "not UTF-8 at byte 0" in complaint(tmp_path / "a.toml")


def test_every_key_has_its_line() -> None:
    text = "a.b = 1\n[c]\n'd e' = [1,\n 2]\n\"f\\u0041\" = { g = 3, h = [ { i = 4 } ] }\n[[j]]\n[j.k]\nl = 1\n[[j]]\n[[j.m]]\nn = '''\n'''\no = 1979-05-27\n"
    found = toml_lines.lines(text)
    assert found["a", "b"] == 1
    assert (found["c", "d e", 0], found["c", "d e", 1]) == (3, 4)
    assert found["c", "fA", "h", 0, "i"] == 5
    assert (found["j", 0], found["j", 0, "k", "l"], found["j", 1], found["j", 1, "m", 0, "n"]) == (6, 8, 9, 11)
    assert found["j", 1, "m", 0, "o"] == 13


def test_an_edit_is_followed(write: Write) -> None:
    watched = Watched(write(SMALLEST))
    write(SMALLEST.replace("Shop", "Other shop"))
    assert watched.current().about.name == "Other shop"


def test_a_broken_edit_keeps_the_last_good_file_and_tells_the_error_once(write: Write) -> None:
    watched = Watched(write(SMALLEST))
    path = write(SMALLEST + "oops = 1\n")
    with capture_logs() as said:
        assert [watched.current().about.name for _ in range(3)] == ["Shop"] * 3
    assert [line["log_level"] for line in said] == ["error"]
    assert "4: assistant.oops" in watched.error
    path.unlink()
    assert watched.current().about.name == "Shop"
    write(SMALLEST.replace("Shop", "Mended"))
    assert (watched.current().about.name, watched.error) == ("Mended", "")


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_noticed(write: Write, tmp_path: Path) -> None:
    path = write(SMALLEST)
    watched = Watched(path)
    stamp = path.stat()
    other = tmp_path / "new.toml"
    other.write_text(SMALLEST.replace("Shop", "Shed"), "utf-8")
    os.utime(other, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    other.replace(path)
    assert watched.current().about.name == "Shed"


async def test_changes_come_one_by_one_and_only_when_something_changed(write: Write) -> None:
    path = write(SMALLEST)
    watched = Watched(path)
    first, changes = watched.assistant, watched.changes(every=0.01)
    coming = asyncio.ensure_future(anext(changes))
    write(SMALLEST + "# only a comment\n")
    while watched.assistant is first:
        await asyncio.sleep(0.01)
    write(SMALLEST.replace("Shop", "Second"))
    changed: Assistant = await asyncio.wait_for(coming, 60)
    assert changed.about.name == "Second"
    await changes.aclose()


def test_a_service_does_not_start_on_a_broken_file(write: Write) -> None:
    with pytest.raises(ConfigError, match="unknown key"):
        Watched(write(SMALLEST + "oops = 1\n"))


AUDIENCES = '[[audiences]]\nname = "staff"\nchannels = ["slack"]\n'
HANDBOOK = '[[knowledge.sources]]\nname = "handbook"\nat = "handbook"\naudience = '


@pytest.mark.parametrize(
    ("tables", "line"),
    [
        (
            AUDIENCES + HANDBOOK + '["stuff"]',
            "knowledge.sources[1].audience[1]: no [[audiences]] is called 'stuff': did you mean 'staff'?",
        ),
        (HANDBOOK + '["staff"]', "knowledge.sources[1].audience[1]: no [[audiences]] is called 'staff'"),
        (AUDIENCES + AUDIENCES, "audiences[2].name: audiences 1 and 2 are both called 'staff'"),
        (
            '[[audiences]]\nname = "board"\npeople = ["U1"]',
            "audiences[1].people[1]: must be CHANNEL:ID, for example slack:C0123",
        ),
    ],
)
def test_audiences_that_cannot_be_meant_are_told_with_their_line(tmp_path, tables, line):
    path = tmp_path / "assistant.toml"
    path.write_text(f'[assistant]\nname = "A"\ndefault_route = ["prompt"]\n{tables}\n')
    with pytest.raises(ConfigError) as told:
        read(path)
    assert line in str(told.value)
