"""What a foreign source may hold never stops the service: it is named, and the rest goes on."""

import json
import os
from pathlib import Path

import pytest
from yarl import URL

from retrieval.kinds import sitemap
from retrieval.readers.contract import Corrupt, TooLarge
from tests.retrieval.rig import until
from tests.retrieval.site import site
from tests.retrieval.test_sources import ALONE, QUICKLY, fails, finds, source, standing, ticket

SITE = URL("https://docs.example/sitemap.xml")


def test_a_map_resolves_no_entity_loads_nothing_and_ends_somewhere():
    bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    xml = f'<!DOCTYPE u [<!ENTITY a0 "x">{bomb}<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    text = (
        f"{xml}<urlset><url><loc>https://docs.example/&f;</loc></url><url><loc>https://docs.example/&a11;</loc></url></urlset>"
    )
    try:
        named = sitemap.read(text.encode(), SITE)
    except Corrupt:
        return
    assert all("root:" not in str(page) and len(str(page)) < 100 for page, _ in named.pages)


def test_a_map_of_nothing_but_elements_is_left():
    with pytest.raises(TooLarge):
        sitemap.read(b"<urlset>" + b"<a/>" * (sitemap.MOST + 1) + b"</urlset>", SITE)


@pytest.mark.parametrize(
    "loc", ["https://evil.example/", "https://docs.example:22/", "file:///etc/passwd", "//evil.example/", "http://[::1", ""]
)
def test_a_map_leads_to_no_other_host(loc):
    named = sitemap.read(f"<urlset><url><loc>{loc}</loc></url></urlset>".encode(), SITE)
    assert (named.pages, len(named.skipped)) == ([], 1)


async def test_tickets_that_are_none_are_named_by_their_line_and_the_others_are_read(rig):
    deep = json.dumps({"id": 9, "status": "done", "messages": []}).replace(
        "[]", '[{"a":' + "[" * 100_000 + "]" * 100_000 + "}]"
    )
    endless = ticket(3, "x" * (2 << 20))
    odd = ticket("../../etc/passwd", "The sun terrace?", updated=1e300)
    rig.write("tickets.jsonl", ticket(1, "The moon garden?") + "not json\n" + deep + "\n" + endless + odd + '{"id": 4}\n')
    rig.write("assistant.toml", ALONE + source("tickets.jsonl", "tickets"))
    async with rig.serving():
        assert await rig.found("moon garden") == ["help/1"]
        assert await rig.found("sun terrace") == ["help/..-..-etc-passwd"]
        told = " ".join(skipped.path + skipped.reason for skipped in (await rig.status()).skipped)
        assert [line for line in ("line 2", "line 3", "line 4", "line 6") if line not in told] == []


async def test_a_word_without_end_in_a_ticket_costs_no_minute_and_hides_no_address(rig):
    rig.write("tickets.jsonl", ticket(1, "x" * 900_000 + " moon ann.lee@example.com"))
    rig.write("assistant.toml", ALONE + source("tickets.jsonl", "tickets"))
    async with rig.serving():
        (passage, *_) = [found for found in (await rig.search("moon")).passages if "moon" in found.text]
        assert "ann.lee" not in passage.text


async def test_a_file_whose_name_is_no_text_is_named_and_the_rest_is_taken(rig):
    (rig.folder / "docs").mkdir()
    Path(os.fsdecode(os.fsencode(rig.folder / "docs") + b"/\xff.md")).write_text("The sun terrace.")
    rig.write("docs/moon.md", "The moon garden opens at seven.")
    rig.write("assistant.toml", ALONE + source("docs"))
    async with rig.serving():
        assert await rig.found("moon garden sun terrace") == ["docs/moon.md"]
        assert "its name is not UTF-8" in (await rig.status()).skipped[0].reason


async def test_a_page_with_a_hostile_name_or_of_no_kind_is_read_or_named(rig):
    async with site() as web:
        web.pages["/a\0/../b"] = "<p>The moon garden opens at seven.</p>"
        web.pages["/picture"] = (200, {"Content-Type": "image/png"}, b"\x89PNG")
        web.pages["/sitemap.xml"] = (
            f"<urlset><url><loc>{web.url}/a%00%2F..%2Fb</loc></url><url><loc>{web.url}/picture</loc></url></urlset>"
        )
        rig.write("assistant.toml", ALONE + source(f"{web.url}/sitemap.xml", "sitemap", allow=[web.host], refresh=QUICKLY))
        async with rig.serving():
            await until(lambda: finds(rig, "moon garden", f"help/{web.host}/a%00%2F..%2Fb"))
            assert "image/png" in (await rig.status()).skipped[0].reason
            web.pages["/sitemap.xml"] = "<urlset><url><loc>" + "&" * 100
            await until(lambda: fails(rig, "no sitemap"))
            assert (await standing(rig)).documents == 1
