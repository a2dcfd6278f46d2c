"""The HTTP front beside the chat: vitals, webhooks, sources, the page's files, the API's description."""

import asyncio
import gzip

import pytest

from bots.web import hooks
from bots.web.service import serve
from bots.web.sources import find, marked
from core import keys
from core.errors import ConfigError
from core.knowledge import Document, DocumentRequest
from core.records import Health, HookRequest, HookResponse, decode, encode
from core.vitals import vitals
from tests.bots.web_rig import serving, settings_for


@pytest.fixture
async def front(servers, bus, tmp_path):
    async with serving(settings_for(servers.nats_url, tmp_path, TURNOUT_SERVICES="core, retrieval, web")) as front:
        yield front


async def test_it_is_ready_only_when_everything_started_is_and_says_who_is_not(bus, front):
    alone = await front.client.get("/readyz")
    assert alone.status_code == 503
    assert alone.json()["services"]["web"] == "ready"
    assert "nobody answers" in alone.json()["services"]["core"]
    retrieval = Health(service="retrieval", ready=False, detail="still reading 3 documents")

    async def fine() -> Health:
        return Health(service="core", ready=True)

    async def reading() -> Health:
        return retrieval

    async with vitals(bus, "core", fine), vitals(bus, "retrieval", reading):
        waiting = await front.client.get("/readyz")
        assert waiting.status_code == 503
        assert waiting.json()["services"] == {"core": "ready", "retrieval": "still reading 3 documents", "web": "ready"}
        retrieval = Health(service="retrieval", ready=True)
        assert (await front.client.get("/readyz")).status_code == 200
        metrics = (await front.client.get("/metrics")).text
    assert 'turnout_web_connections{replica="' in metrics
    assert 'service="core"' in metrics
    assert 'service="web"' in metrics


async def test_a_webhook_reaches_its_channel_as_it_came_and_its_answer_comes_back(bus, front):
    calls = []

    async def channel(data: bytes) -> bytes:
        calls.append(decode(HookRequest, data))
        return encode(HookResponse(status=418, headers={"x-told": "yes"}, body=b"teapot"))

    async with bus.serve("telegram", {keys.hook("telegram"): channel}):
        headers = {"X-Telegram-Bot-Api-Secret-Token": "s3cret", "Cookie": "no"}
        response = await front.client.post("/telegram/webhook?a=1", content=b"\x00raw\xff", headers=headers)
    assert (response.status_code, response.headers["x-told"], response.content) == (418, "yes", b"teapot")
    assert (calls[0].path, calls[0].body) == ("/telegram/webhook?a=1", b"\x00raw\xff")
    assert calls[0].headers["x-telegram-bot-api-secret-token"] == "s3cret"
    assert "cookie" not in calls[0].headers


async def test_a_webhook_that_nobody_stores_is_to_be_repeated(bus, front, monkeypatch):
    monkeypatch.setattr(hooks, "PATIENCE", 0.2)
    absent = await front.client.post("/slack/events", content=b"{}")
    assert (absent.status_code, "retry-after" in absent.headers) == (503, True)

    awake = asyncio.Event()

    async def asleep(_data: bytes) -> bytes:
        await awake.wait()
        return b""

    async with bus.serve("slack", {keys.hook("slack"): asleep}):
        assert (await front.client.post("/slack/events", content=b"{}")).status_code == 503
        awake.set()


async def test_a_webhook_of_no_channel_or_of_no_measure_is_refused(front):
    assert (await front.client.post("/fax/webhook", content=b"{}")).status_code == 404
    assert (await front.client.post("/core/webhook", content=b"{}")).status_code == 404
    assert (await front.client.get("/no/such/page")).status_code == 404
    assert (await front.client.get("/slack/events")).status_code == 405
    assert (await front.client.post("/slack/events", content=b"x" * 1_100_000)).status_code == 413


async def test_a_cited_document_shows_its_words_marked_and_nothing_of_it_runs(bus, front):
    async def document(data: bytes) -> bytes:
        source = decode(DocumentRequest, data).source
        text = "<script>alert(1)</script> You may return a\nbike within 30 days." if source == "a b/ü.md" else ""
        return encode(Document(source=source, title="Returns & refunds", text=text))

    async with bus.serve("retrieval", {"retrieval.document": document}):
        page = await front.client.get("/sources/a%20b/%C3%BC.md?quote=return+a+bike+within")
        missing = await front.client.get("/sources/nothing.md")
    assert '<mark id="cited" tabindex="-1">return a\nbike within</mark>' in page.text
    assert "<script>" not in page.text
    assert "Returns &amp; refunds" in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert (missing.status_code, "no such document" in missing.text) == (404, True)
    assert (await front.client.get("/sources/a.md")).status_code == 503


def test_a_quote_is_found_however_its_white_space_is_broken_and_else_nothing_is_marked():
    text = "One  two\n\nthree (four)."
    assert text[slice(*find(text, "…two three (four)…"))] == "two\n\nthree (four)"
    assert find(text, "five") == find(text, "…") == (0, 0)
    assert "<mark" not in marked("<b>", "five")
    assert "&lt;b&gt;" in marked("<b>", "five")


async def test_the_page_and_its_files_are_cached_by_tag_and_load_nothing_from_elsewhere(front):
    page = await front.client.get("/")
    assert page.status_code == 200
    assert "<turnout-chat page>" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    again = await front.client.get("/", headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    size = 0
    for file in ("/widget.js", "/widget/talk.js", "/widget/answer.js", "/widget/dom.js", "/widget/style.js"):
        asset = await front.client.get(file)
        assert asset.headers["access-control-allow-origin"] == "*"
        assert asset.headers["content-type"].startswith("text/javascript")
        assert "https://" not in asset.text.replace("https://bot.example", "")
        size += len(gzip.compress(asset.content))
    assert size < 25_000
    assert (await front.client.get("/source.html")).status_code == 404


async def test_the_api_describes_itself_truly(front):
    said = (await front.client.get("/openapi.json")).json()
    assert said["openapi"] == "3.1.0"
    for path, methods in said["paths"].items():
        for method, operation in methods.items():
            assert operation["responses"]
            for ref in _references(operation):
                assert ref.removeprefix("#/components/schemas/") in said["components"]["schemas"]
            if path != "/v1/events":
                response = await front.client.request(method, path)
                assert str(response.status_code) in operation["responses"], path
    message = said["components"]["schemas"]["NewMessage"]
    assert message["required"] == ["id", "text"]
    assert message["additionalProperties"] is False
    assert message["properties"]["text"]["maxLength"] == 16_000
    assert {"turn", "text", "html", "parts", "citations", "why"} <= set(said["components"]["schemas"]["Reply"]["properties"])


def _references(node):
    if isinstance(node, dict):
        yield from ([node["$ref"]] if "$ref" in node else [])
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


async def test_an_address_in_use_is_an_error_that_names_it(servers, front, tmp_path):
    taken = settings_for(servers.nats_url, tmp_path, TURNOUT_HTTP=front.settings.http)
    with pytest.raises(ConfigError, match="TURNOUT_HTTP"):
        await serve(taken)


async def test_a_broken_assistant_file_is_an_error_before_anything_listens(servers, bus, tmp_path):
    settings = settings_for(servers.nats_url, tmp_path)
    settings.assistant.write_text("[assistant]\nname = 1\n")
    with pytest.raises(ConfigError, match=r"assistant.toml:2: assistant\.name"):
        async with serving(settings):
            pass
