"""The process that reads and splits files, so that what a hostile file does to a parser never happens to the service.

One request (a JSON line) on standard input, one answer (its length in four bytes, then a MessagePack) on standard output,
until the input ends. `retrieval.parsing` is the other side.
"""

import logging
import os
import resource
import struct
import sys
import warnings
from pathlib import Path
from typing import BinaryIO

import msgspec

from retrieval.readers import read
from retrieval.readers.contract import LoadedDocument, Unreadable
from retrieval.splitting import WORDS, Piece, split

MEMORY = 2 << 30
PROCESSOR = 30  # seconds for one file


class Question(msgspec.Struct, frozen=True):
    path: str
    source: str
    words: int = WORDS


class Answer(msgspec.Struct, frozen=True):
    """`failed` names the Unreadable class where there is no document."""

    document: LoadedDocument | None = None
    pieces: tuple[Piece, ...] = ()
    failed: str = ""
    reason: str = ""


def main() -> None:
    _confine()
    logging.disable()
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a parser that prints must not print into the answers
    for line in sys.stdin.buffer:
        _allow(PROCESSOR)
        _send(answers, _answer(msgspec.json.decode(line, type=Question)))


def _confine() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # nothing here has a reason to write a file
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _allow(seconds: int) -> None:
    """So much processor time from now on; whoever takes more is killed by SIGXCPU."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _answer(question: Question) -> Answer:
    path = Path(question.path)
    try:
        extract = read(path)
    except Unreadable as error:
        return Answer(failed=type(error).__name__, reason=str(error))
    title = extract.title or path.stem.replace("-", " ").replace("_", " ")
    document = LoadedDocument(
        question.source, title, extract.text, extract.headings, extract.pages, tables=extract.tables, flags=extract.flags
    )
    return Answer(document, tuple(split(document, question.words)))


def _send(answers: BinaryIO, answer: Answer) -> None:
    data = msgspec.msgpack.encode(answer)
    answers.write(struct.pack(">I", len(data)) + data)
    answers.flush()


if __name__ == "__main__":
    main()
