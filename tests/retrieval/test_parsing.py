"""The parser's process: whatever a file does to it, the next file is read."""

import os
import subprocess
import sys

import pytest

from retrieval import parsing
from retrieval.parsing import parser
from retrieval.readers.contract import Corrupt, TooSlow, Unreadable

HANGS = "import sys; sys.stdin.readline(); import time; time.sleep(600)"
DIES_HALFWAY = "import sys, os; sys.stdin.readline(); os.write(1, bytes([0, 0, 9, 0, 65])); os._exit(1)"
TURNS_IN_CIRCLES = "import sys; from retrieval import worker; sys.stdin.readline(); worker._allow(1)\nwhile True: pass"
DIES = "import sys, os; sys.stdin.readline(); os._exit(1)"


@pytest.fixture
def once(monkeypatch):
    """The first process behaves as told, those after it as they should."""

    def behave(code):
        real, told = parsing.command, [(sys.executable, "-c", code)]
        monkeypatch.setattr(parsing, "command", lambda: told.pop() if told else real())

    return behave


@pytest.mark.parametrize(
    ("code", "patience", "words"),
    [
        (HANGS, 0.5, "more than 0.5 s"),
        (DIES, 60, "its reader died"),
        (DIES_HALFWAY, 60, "a crash"),
        (TURNS_IN_CIRCLES, 60, "processor time"),
    ],
)
async def test_a_file_that_hangs_or_kills_its_reader_is_named_and_the_next_one_is_read(tmp_path, once, code, patience, words):
    path = tmp_path / "a.md"
    path.write_text("# Returns\n\nThirty days.")
    once(code)
    async with parser(patience) as reading:
        with pytest.raises(TooSlow, match=words):
            await reading.parse(path, "a.md")
        reading.patience = 60
        document, (piece,) = await reading.parse(path, "a.md")
        assert (document.source, document.title, piece.text) == ("a.md", "Returns", "Thirty days.")


async def test_an_error_keeps_its_name_across_the_process(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(b"nothing")
    async with parser() as reading:
        with pytest.raises(Corrupt, match="%PDF"):
            await reading.parse(path, "a.pdf")


async def test_the_process_gets_no_secrets(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert "OPENAI_API_KEY" not in parsing.environment()


def test_the_process_may_write_no_file(tmp_path):
    writes = "from retrieval import worker; worker._confine(); open('TARGET', 'wb', 0).write(b'x')"
    done = subprocess.run(
        [sys.executable, "-c", writes.replace("TARGET", str(tmp_path / "a"))], capture_output=True, check=False
    )
    assert done.returncode != 0
    assert (tmp_path / "a").read_text() == ""


async def test_a_pipe_in_a_folder_is_named_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.md")
    async with parser() as reading:
        with pytest.raises(Unreadable, match="not a file"):
            await reading.parse(tmp_path / "a.md", "a.md")
