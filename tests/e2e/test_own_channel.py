"""A channel of one's own, as `turnout channel new` writes it, is answered under `turnout up` like those that ship."""

from pathlib import Path

import httpx
from aiohttp import web

from tests.e2e.system import System, until
from tests.fakes.ports import free_port


async def test_a_new_channel_runs_under_up_and_is_answered(tmp_path: Path) -> None:
    shown: list[dict[str, str]] = []

    async def post(request: web.Request) -> web.Response:
        shown.append(await request.json())
        return web.json_response({"id": str(len(shown))})

    app = web.Application()
    app.router.add_post("/messages", post)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    variables = {"PYTHONPATH": str(tmp_path), "MY_SHOP_API": f"http://127.0.0.1:{port}", "MY_SHOP_SECRET": "shared"}
    system = System(tmp_path, variables, options=("my_shop:MyShopChannel",))
    try:
        await system.command("channel", "new", "my_shop", "--in", str(tmp_path))
        async with system.up(), httpx.AsyncClient(base_url=system.url, timeout=60) as platform:
            assert "my_shop" in (await platform.get("/readyz")).json()["services"]
            assert (await platform.post("/my_shop/events", json={})).status_code == 401
            call = {"id": "m1", "room": "r1", "text": "How long do I have to return a bike?"}
            for _ in range(2):
                answer = await platform.post("/my_shop/events", json=call, headers={"x-secret": "shared"})
                assert answer.status_code == 200
            await platform.post("/my_shop/events", json=call | {"id": "m2", "text": "hello"}, headers={"x-secret": "shared"})
            await until(lambda: len(shown) == 2)
            assert {message["room"] for message in shown} == {"r1"}
            assert "30 days" in shown[0]["text"] or "thirty" in shown[0]["text"].lower(), shown
    finally:
        await runner.cleanup()


async def test_what_is_no_channel_is_refused_before_anything_starts(tmp_path: Path) -> None:
    said = await System(tmp_path).command("up", "json:JSONDecoder", status=1)
    assert "json:JSONDecoder is no channel" in said
