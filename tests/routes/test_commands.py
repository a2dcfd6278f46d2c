"""`turnout routes`, as an owner meets it, against a real NATS."""

import asyncio
import re
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from core import keys
from core.cli import cli
from core.policy.routes import Route, Routes
from core.records import Part, Turn, encode
from core.routes import versions
from tests.routes.shop import FILE, Shop

PROMPT = Route(intent="returns", tracks=("rag",))


async def test_before_anything_is_applied_everything_is_the_files_opinion(shop: Shop) -> None:
    shown = await shop.says("show")
    assert shown.startswith("no version yet")
    assert re.search(r"returns +rag → prompt +an opinion of the assistant file", shown)


async def test_without_servers_show_still_tells_what_the_file_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "assistant.toml").write_text(FILE)
    monkeypatch.setenv("TURNOUT_ASSISTANT", str(tmp_path / "assistant.toml"))
    monkeypatch.setenv("TURNOUT_DATA", str(tmp_path / "data"))
    done = await asyncio.to_thread(CliRunner().invoke, cli, ["routes", "show"])
    assert done.exit_code == 0
    assert "which version is in force is not known" in done.output
    assert re.search(r"returns +rag → prompt", done.output)


async def test_a_proposal_is_looked_at_applied_as_a_canary_shown_and_taken_back(shop: Shop) -> None:
    await shop.proposal(await shop.measured("hybrid", "rag"))
    difference = await shop.says("diff")
    assert re.search(r"~ +returns +rag → prompt ⇒ hybrid → rag +measured on 312 cases: better: \+0.083", difference)
    refused = await shop.refuses("apply")
    assert "returns: hybrid cannot run now: no tuned model is configured" in refused
    applied = await shop.says("apply", "--anyway", "--note", "let us see")
    assert "version 1, canary: 5% of conversations, the others follow the assistant file" in applied
    assert "let us see" in applied
    shown = await shop.says("show")
    assert "(the assistant file says rag → prompt)" in shown
    assert re.search(
        r"returns +hybrid → rag +measured on 312 cases: hybrid against rag \+0.083 \(\+0.020 to \+0.150\), 3 days old", shown
    )
    assert "version 1 is being rolled out" in await shop.refuses("apply", "--anyway")
    assert "version 2, for everybody" in await shop.says("rollback")
    assert (await versions.newest(shop.bus)).routes == ()
    listed = (await shop.says("show", "--versions")).splitlines()
    assert listed[0].startswith("  1  canary 5%")
    assert listed[1].startswith("→ 2  full")


async def test_a_shadow_shows_how_it_fared_and_gives_way_to_a_canary(shop: Shop) -> None:
    path = str(await shop.proposal(PROMPT))
    await shop.says("apply", path, "--full")
    other = str(await shop.proposal(Route(intent="returns", tracks=("prompt",)), name="run2"))
    assert "version 2, in shadow" in await shop.says("apply", other, "--shadow", "50%")
    assert "no question was asked again yet" in await shop.says("show")
    real = Turn(
        id="t1", channel="web", lane="a", events=(), upto=1, track="rag", timings={"total": 1000.0}, parts=(Part(text="Yes."),)
    )
    again = replace(real, id="shadow-2-t1", channel="eval", lane="b", track="none", timings={"total": 3000.0})
    for turn in (real, again):
        await shop.bus.publish(keys.log(turn.channel, turn.lane), encode(turn), id=turn.id)
    told = "1 questions asked again; not served 1 (really 0), p95 3.00 s (really 1.00 s), tokens a turn 0 (really 0), word for word the same 1"
    assert told in await shop.says("show")
    assert "version 3, canary: 5% of conversations, the others follow version 1" in await shop.says("apply", other)


async def test_what_a_proposal_does_not_speak_of_stays(shop: Shop) -> None:
    await shop.proposal(PROMPT)
    await shop.says("apply", "--full")
    await shop.proposal(Route(intent="prices", tracks=("prompt",)), name="run2")
    await shop.says("apply", "--full")
    now = await versions.newest(shop.bus)
    assert {route.intent: route.tracks for route in now.routes} == {"returns": ("rag",), "prices": ("prompt",)}
    assert "nothing to apply" in await shop.refuses("apply", "--full")
    assert "version 3, for everybody" in await shop.says("rollback", "1")
    assert [route.intent for route in (await versions.newest(shop.bus)).routes] == ["returns"]
    assert "~  prices" in await shop.says("diff", "2")


async def test_a_canary_shows_how_it_fares(shop: Shop) -> None:
    await shop.says("apply", str(await shop.proposal(PROMPT)), "--canary", "50%")
    for n in range(8):
        turn = Turn(id=f"t{n}", channel="web", lane=f"l{n}", events=(), upto=n, intent="returns", track="rag", routes=n % 2)
        turn = replace(turn, track="none") if n == 1 else turn
        await shop.bus.publish(keys.log("web", turn.lane), encode(turn), id=turn.id)
    shown = await shop.says("show")
    assert re.search(
        r"4 of 100 counted turns at this step, strongest evidence against it [\d.]+, at 500 it is taken back", shown
    )
    assert "canaries (others): not served 1 of 4 (0 of 4), passed on 1 of 4 (0 of 4), thumbs down 0 of 0 (0 of 0)" in shown


async def test_what_was_taken_back_is_not_tried_again_unless_wished(shop: Shop) -> None:
    path = str(await shop.proposal(PROMPT))
    await shop.says("apply", path)
    await versions.add(shop.bus, Routes(number=0, sick=1, note="rolled back from 1: too late"), after=1)
    assert "version 1 was the same and was taken back (rolled back from 1: too late)" in await shop.refuses("apply", path)
    assert "version 3, canary" in await shop.says("apply", path, "--anyway")


@pytest.mark.parametrize(
    ("route", "told"),
    [
        (Route(intent="returns", tracks=("turbo",)), "returns: there is no track turbo"),
        (Route(intent="rentals", tracks=("rag",)), "rentals: there is no such intent"),
        (Route(intent="returns", tracks=("template",)), "returns: the intent has no `template` text"),
        (Route(intent="returns", tracks=()), "returns: no track at all"),
    ],
)
async def test_what_the_assistant_does_not_have_is_refused(shop: Shop, route: Route, told: str) -> None:
    await shop.proposal(route)
    assert told in await shop.refuses("apply", "--anyway")
    assert (await versions.newest(shop.bus)).number == 0


async def test_evidence_of_other_documents_is_refused_unless_wished(shop: Shop) -> None:
    await shop.proposal(await shop.measured("rag"))
    shop.documents["returns.md"] = "Fourteen days."
    assert "returns: changed since it was measured: returns.md" in await shop.refuses("apply", "--full")
    await shop.says("apply", "--full", "--anyway")
    shown = await shop.says("show")
    assert "to be measured again:" in shown
    assert re.search(r"! returns +changed since it was measured: returns.md", shown)


async def test_a_document_of_a_large_library_that_changed_or_went_makes_evidence_stale(shop: Shop) -> None:
    shop.documents |= {f"page{number:04}.md": f"Page {number}." for number in range(1200)}
    await shop.proposal(await shop.measured("rag"))
    await shop.says("apply", "--full")
    assert "measured again" not in await shop.says("show")
    del shop.documents["returns.md"]
    assert "changed since it was measured: returns.md" in await shop.says("show")


async def test_evidence_that_is_too_old_is_refused_unless_wished(shop: Shop) -> None:
    await shop.proposal(await shop.measured("rag", expires=time.time() - 7200))
    assert "returns: the measurement has expired 2 hours ago" in await shop.refuses("apply", "--full")


async def test_other_prompts_make_evidence_stale(shop: Shop) -> None:
    await shop.proposal(await shop.measured("rag"))
    await shop.says("apply", "--full")
    assert "measured again" not in await shop.says("show")
    (shop.folder / "assistant.toml").write_text(FILE.replace('name = "Shop"', 'name = "Shop"\npersona = "You shout."'))
    assert "changed since it was measured: prompts" in await shop.says("show")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("apply",), "no proposal in"),
        (("apply", "/nowhere/routes.json"), "cannot read /nowhere/routes.json"),
        (("diff", "7"), "there is no version 7"),
        (("rollback",), "nothing to roll back"),
        (("rollback", "9"), "nothing to roll back"),
        (("why",), "name a LANE, or a turn"),
        (("why", "nobody"), "no lane 'nobody' has an answered turn"),
        (("why", "*"), "no lane '*'"),
        (("why", "--turn", "t0"), "no turn has the id 't0'"),
        (("apply", "--canary", "0%"), "is no share of conversations"),
        (("apply", "--canary", "many"), "is no share of conversations"),
        (("apply", "--canary", "5%", "--full"), "choose one of"),
    ],
)
async def test_what_cannot_be_done_says_why(shop: Shop, arguments: tuple[str, ...], told: str) -> None:
    assert told in await shop.refuses(*arguments)


async def test_a_file_that_holds_no_routes_is_named(shop: Shop) -> None:
    for text, told in (("{", "holds no routes"), ('{"number":0}', "proposes nothing")):
        path = shop.folder / "routes.json"
        path.write_text(text)
        assert told in await shop.refuses("apply", str(path))
        assert told in await shop.refuses("diff", str(path))


async def test_shares_are_written_as_people_write_them(shop: Shop) -> None:
    path = await shop.proposal(PROMPT)
    for number, (share, read) in enumerate((("20%", 0.2), ("30", 0.3), ("0.4", 0.4))):
        await shop.says("apply", str(path), "--canary", share)
        assert (await versions.read(shop.bus, 2 * number + 1)).share == read
        await shop.says("rollback")


async def test_why_tells_which_version_a_turn_followed_and_on_what_evidence(shop: Shop) -> None:
    await shop.proposal(await shop.measured("rag"))
    await shop.says("apply", "--full")
    turn = Turn(
        id="t1", channel="web", lane="lane1", events=("t1",), upto=1, intent="returns", track="rag", why="said so", routes=1
    )
    await shop.bus.publish(keys.log("web", "lane1"), encode(turn), id="t1")
    noted = replace(turn, id="t2", events=("t2",), outcome="noted", intent="", track="", prev=1, routes=0)
    await shop.bus.publish(keys.log("web", "lane1"), encode(noted), id="t2")
    await shop.says("rollback")
    for asked in (("lane1",), ("--turn", "t1")):
        told = await shop.says("why", *asked)
        assert "turn t1 of lane lane1 on web" in told
        assert "it followed version 1, for everybody" in told
        assert "there returns takes rag; measured on 312 cases" in told
        assert "evidence: run run1, better: better: +0.083 utility on 312 cases" in told
        assert "now this conversation follows version 2" in told


SETTINGS = """
[canary]
steps = [0.2, 1]
turns = 40
hours = 0.5
unserved = 0.01
"""


async def test_the_assistant_file_says_how_a_canary_grows_and_what_it_began_with_stays(shop: Shop) -> None:
    assert "the next canary grows 5% → 25% → 50% → 100% of conversations" in await shop.says("show")
    file = shop.folder / "assistant.toml"
    plain = file.read_text()
    file.write_text(plain + SETTINGS)
    assert "canary: 20% of conversations" in await shop.says("apply", str(await shop.proposal(PROMPT)))
    now = await versions.newest(shop.bus)
    assert (now.pace.steps, now.pace.turns, now.pace.seconds, now.limits.unserved) == ((0.2, 1.0), 40, 1800, 0.01)
    shown = await shop.says("show")
    assert "0 of 40 counted turns at this step" in shown
    assert "grows 20% → 100% of conversations, each step after 40 counted turns and 0.5 h" in shown
    assert "may be worse by: not served 1%, passed on 5%, thumbs down 10%" in shown
    assert "counts from the next one on" not in shown
    file.write_text(plain)
    shown = await shop.says("show")
    assert "each step after 40 counted turns and 0.5 h" in shown
    assert "what [canary] of the assistant file says now counts from the next one on" in shown


@pytest.mark.parametrize("steps", ["[0.5, 0.05, 1]", "[0.05, 0.5]", "[1]", "[0, 1]", "[0.5, 2]"])
async def test_steps_that_are_no_way_to_everybody_are_told_by_their_line(shop: Shop, steps: str) -> None:
    file = shop.folder / "assistant.toml"
    file.write_text(f"{file.read_text()}[canary]\nsteps = {steps}\n")
    told = await shop.refuses("show")
    assert (
        f"assistant.toml:{len(file.read_text().splitlines())}: canary.steps: must rise from a share of conversations to 1"
        in told
    )


async def test_who_puts_routes_in_force_at_once_is_told_that_nothing_watches(shop: Shop) -> None:
    told = await shop.says("apply", str(await shop.proposal(PROMPT)), "--full")
    assert "Nothing watches this version" in told
    assert "`--canary 50%` goes nearly as fast and is watched" in told
