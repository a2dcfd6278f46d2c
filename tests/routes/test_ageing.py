"""What is to be measured again, as operators see it."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from core import assistant, probes
from core.policy.routes import Routes
from core.routes import ageing
from core.routes.standing import Standing
from core.settings import load
from tests.routes.shop import Shop


async def test_a_core_tells_by_a_metric_and_the_log_what_is_to_be_measured_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ageing, "SETTLED", 0.0)
    file = assistant.read(shop.folder / "assistant.toml")
    standing = Standing(Routes(number=3, routes=(await shop.measured("rag"),)))
    shop.documents["returns.md"] = "Fourteen days."
    watching = asyncio.create_task(ageing.watch(shop.bus, load(), lambda: file, standing))
    async with asyncio.timeout(60):
        while REGISTRY.get_sample_value("turnout_routes_stale") != 1:
            await asyncio.sleep(0.01)
        standing.now = Routes(number=4)
        standing.changed.set()
        while REGISTRY.get_sample_value("turnout_routes_stale") != 0:
            await asyncio.sleep(0.01)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_check_says_in_a_line_what_is_to_be_measured_again(shop: Shop) -> None:
    assert (await probes.routes(load())).text.startswith("no version yet")
    await shop.proposal(await shop.measured("rag"))
    await shop.says("apply", "--full")
    shop.documents["returns.md"] = "Fourteen days."
    finding = await probes.routes(load())
    assert (finding.state, finding.text) == (
        "good",
        "version 1, for everybody; to be measured again (returns): `turnout routes show`",
    )
