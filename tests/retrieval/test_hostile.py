"""Malformed and hostile files: each is refused by name or read, and the next good file is read as ever."""

import pytest

from retrieval.readers import extract
from retrieval.readers.contract import Corrupt, Encrypted, TooLarge
from tests.retrieval.files import MADE, epub
from tests.retrieval.hostile import files, tricks
from tests.retrieval.hostile.run import run

SEED = 20261121


async def test_hostile_files_are_named_and_never_stop_the_reading(tmp_path):
    report = await run(tmp_path, SEED, 2 * len(files.TRICKS))
    assert report.wrong == []
    assert report.good == 2 * len(files.TRICKS) // 10
    assert report.outcomes.total() == 2 * len(files.TRICKS)


@pytest.mark.parametrize("suffix", sorted(tricks.PARTS))
@pytest.mark.parametrize("entity", ["<!ENTITY a 'x'>", "<!ENTITY a SYSTEM 'file:///etc/passwd'>"])
def test_a_document_that_declares_entities_is_refused(suffix, entity):
    xml = f"<!DOCTYPE d [{entity}]><d><body><p><r><t>&a;</t></r></p></body></d>"
    with pytest.raises(Corrupt, match="entities"):
        extract(tricks.replaced(suffix, tricks.PARTS[suffix], xml.encode()), suffix)


@pytest.mark.parametrize("suffix", files.OFFICE)
def test_an_archive_is_measured_before_it_is_unpacked(suffix):
    with pytest.raises(TooLarge, match="unpacked"):
        extract(files._bomb(300), suffix)


@pytest.mark.parametrize("suffix", files.OFFICE)
def test_an_archive_of_very_many_entries_is_refused(suffix, monkeypatch):
    monkeypatch.setattr("retrieval.readers.archive.ENTRIES", 2)
    with pytest.raises(TooLarge, match="entries"):
        extract(MADE[suffix](), suffix)


def test_a_book_that_is_locked_to_its_buyer_is_refused_by_name():
    locks = {"META-INF/encryption__xml": '<e><CipherReference URI="OEBPS/a.xhtml"/></e>'}
    with pytest.raises(Encrypted, match="DRM"):
        extract(epub(**locks), ".epub")


def test_a_book_whose_fonts_are_locked_is_read():
    locks = {"META-INF/encryption__xml": '<e><CipherReference URI="OEBPS/font.otf"/></e>'}
    assert "Path 2" in extract(epub(**locks), ".epub").text
