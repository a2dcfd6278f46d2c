"""Personal data that has a form leaves the text; what only looks like it stays."""

import gzip
import json
import time
from pathlib import Path

import pytest

from core.scrub import scrub

SENTENCES = Path(__file__).parents[3] / "shared" / "data" / "presidio_pii" / "synth_dataset_v2.json.gz"
MARKS = {"EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "CREDIT_CARD": "CARD", "IBAN_CODE": "IBAN"}


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("mail ann.lee+x@shop.example.org, please", "mail [EMAIL], please"),
        ("ÄRGER@müller.example.", "[EMAIL]."),
        ("DE89 3704 0044 0532 0130 00 thanks", "[IBAN] thanks"),
        ("gb29nwbk60161331926819", "[IBAN]"),
        ("card 4242 4242 4242 4242 exp 12/26", "card [CARD] exp 12/26"),
        ("+43 664 1234567 or 0664/1234567", "[PHONE] or [PHONE]"),
        ("(555) 867-5309 x12", "[PHONE]"),
        ("call me at 467 3395", "call me at [PHONE]"),
        ("Tel. 03.93.92.16.85 und +49 (0)30 123456", "Tel. [PHONE] und [PHONE]"),
    ],
)
def test_what_has_a_form_is_marked(text: str, scrubbed: str) -> None:
    assert scrub(text)[0] == scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "order 1234567890123 and PP-2024-00017",
        "on 2024-01-15 10:20:30, 15.01.2024, 12-05-2024 and 01.02.2024",
        "DE00 3704 0044 0532 0130 00",
        "card 4242 4242 4242 4241",
        "size 28 30 32 34 costs 1,299.00 EUR at 192.168.100.112, version 3.14.15.92",
        "call within 24 hours, 30 days from delivery [1] [2]",
        "@ann and a@b",
        "0000000000000000",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert scrub(text) == (text, {})


def test_it_finds_nearly_all_in_sentences_that_nobody_here_wrote() -> None:
    if not SENTENCES.exists():
        pytest.skip(f"{SENTENCES} is not on this machine")
    rows = json.loads(gzip.decompress(SENTENCES.read_bytes()))
    wanted = [(row["full_text"], span["entity_value"]) for row in rows for span in row["spans"] if span["entity_type"] in MARKS]
    missed = [value for text, value in wanted if value in scrub(text)[0]]
    clean = [
        row["full_text"]
        for row in rows
        if not {span["entity_type"] for span in row["spans"]} & {*MARKS, "US_SSN", "US_DRIVER_LICENSE"}
    ]
    marked = [text for text in clean if scrub(text)[1]]
    assert len(wanted) > 150
    assert len(missed) <= 0.02 * len(wanted), missed
    assert len(marked) <= 0.01 * len(clean), marked


@pytest.mark.parametrize("run", ["a", "1", "a.", "1 ", "a@", "+"])
def test_time_grows_with_the_text_and_not_with_its_square(run: str) -> None:
    """Five times as long takes about five times as much, not twenty-five times; processor time, the least of five."""

    def took(times: int) -> float:
        return min(_seconds(run * times) for _ in range(5))

    assert took(50_000) < 13 * took(10_000)


def _seconds(text: str) -> float:
    started = time.process_time()
    scrub(text)
    return time.process_time() - started
