"""The chat page and the widget in a real browser, against the real web service and real NATS.

Whatever a page complains about (an exception, a breach of its content policy) fails its test.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from core.knowledge import Document
from core.records import encode
from tests.bots.web_rig import Front, serving, settings_for
from tests.fakes.dialog import dialog
from tests.fakes.ports import free_port

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)

FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
QUESTION = "How long do I have to return a bike?"
QUOTE = "You may return a bike within 30 days of delivery, as long as it has not been ridden."


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS.split())
        yield browser
        await browser.close()


@pytest.fixture
async def core(bus):
    async with dialog(bus, pause=0.01) as fake:
        yield fake


@pytest.fixture
async def front(servers, bus, tmp_path):
    async with serving(settings_for(servers.nats_url, tmp_path)) as front:
        yield front


@asynccontextmanager
async def visit(browser: Browser, address: str, **options) -> AsyncIterator[Page]:
    """A fresh visitor on a page."""
    complaints: list[str] = []
    context = await browser.new_context(**options)
    context.set_default_timeout(60_000)
    page = await context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    await page.goto(address)
    yield page
    await context.close()
    assert [said for said in complaints if "Failed to load resource" not in said] == []


@pytest.fixture
async def page(browser, front, core) -> AsyncIterator[Page]:
    async with visit(browser, f"http://{front.settings.http}/") as page:
        yield page


async def ask(page: Page, words: str) -> None:
    await page.get_by_label("Your message").fill(words)
    await page.keyboard.press("Enter")


def answers(page: Page):
    return page.locator(".answer:not(.growing)")


async def test_a_suggestion_is_asked_streamed_answered_and_its_citation_opens_the_quote(page, core):
    core.commits.clear()
    await page.get_by_role("button", name=QUESTION).click()
    await expect(page.locator(".growing .text")).to_contain_text("You have 30 days")
    core.commits.set()
    await expect(answers(page)).to_contain_text("within 5 working days")
    await expect(page.locator(".growing")).to_have_count(0)
    assert await answers(page).locator("strong").first.inner_text() == "30 days"
    chip = answers(page).locator(".cite").get_by_role("button", name="Source 1: Returns and refunds")
    await chip.click()
    await expect(page.get_by_text(QUOTE)).to_be_visible()
    await expect(chip).to_have_attribute("aria-expanded", "true")
    link = page.get_by_role("link", name="Open source")
    assert "/sources/policies/returns.md?quote=You" in str(await link.get_attribute("href"))
    await chip.click()
    await expect(page.get_by_text(QUOTE)).to_be_hidden()
    await answers(page).locator(".cite").get_by_role("button", name="Source 2: Payments").click()
    await expect(page.get_by_text("Refunds reach your account within 5 working days.")).to_be_visible()


async def test_why_feedback_and_choices_are_at_hand(page, core):
    await ask(page, "hello")
    await page.get_by_text("Why this answer?").click()
    await expect(page.get_by_text("rag, the model with retrieved passages")).to_be_visible()
    await expect(page.get_by_text("returns (93 % sure)")).to_be_visible()
    await page.get_by_role("button", name="Good answer").click()
    await expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("button", name="Talk to a person").click()
    await expect(answers(page)).to_have_count(2)
    said = [(event.kind, event.text) for event in core.seen]
    assert sorted(said) == [("feedback", "up"), ("message", "Talk to a person"), ("message", "hello")]


async def test_a_reload_shows_the_same_conversation(page):
    await ask(page, "say: one")
    await ask(page, "say: two")
    await expect(answers(page)).to_have_count(2)
    before = await page.locator(".log p").all_inner_texts()
    await page.reload()
    await expect(answers(page)).to_have_count(2)
    assert await page.locator(".log p").all_inner_texts() == before
    await page.get_by_role("button", name="New conversation").click()
    await expect(answers(page)).to_have_count(0)
    await expect(page.get_by_role("button", name=QUESTION)).to_be_visible()


async def test_a_reload_in_the_middle_of_an_answer_still_ends_with_it(page, core):
    await ask(page, "hold")
    await expect(page.locator(".growing")).to_be_visible()
    await page.reload()
    await expect(page.locator(".asked")).to_have_text("hold")
    core.release.set()
    await expect(answers(page)).to_have_count(1)
    await expect(page.locator(".asked")).to_have_count(1)


async def test_what_is_written_while_the_service_is_away_is_sent_once_when_it_is_back(page, core, front: Front):
    await ask(page, "say: one")
    await expect(answers(page)).to_have_count(1)
    await front.stop()
    await expect(page.get_by_text("Connecting…")).to_be_visible()
    await ask(page, "say: two")
    await ask(page, "say: three")
    await expect(page.locator(".asked[data-state=sending]")).to_have_count(2)
    async with serving(front.settings):
        await expect(answers(page)).to_have_count(3)
        assert await answers(page).locator("p").all_inner_texts() == ["one", "two", "three"]
        assert [event.text for event in core.seen] == ["say: one", "say: two", "say: three"]


async def test_a_lost_answer_to_a_post_doubles_nothing(page, core):
    lost = 0

    async def lose(route) -> None:
        nonlocal lost
        lost += 1
        await route.fetch()
        await (route.abort() if lost == 1 else route.continue_())

    await page.route("**/v1/messages", lose)
    await ask(page, "say: once")
    await expect(answers(page)).to_have_count(1)
    await expect(page.locator(".asked[data-state=sent], .asked:not([data-state])")).to_have_count(1)
    await expect(page.locator(".asked")).to_have_count(1)
    assert lost >= 2
    assert [event.text for event in core.seen] == ["say: once"]


async def test_what_the_server_refuses_can_be_edited_and_sent_again(page):
    await ask(page, "x" * 16_001)
    await expect(page.get_by_text("the limit is 16,000")).to_be_visible()
    await page.get_by_role("button", name="Edit").click()
    await expect(page.get_by_label("Your message")).to_have_value("x" * 16_001)
    await ask(page, "say: short")
    await expect(answers(page).locator("p")).to_have_text(["short"])
    await expect(page.locator(".asked")).to_have_count(1)


async def test_an_expired_session_begins_anew_and_the_message_is_not_lost(page, core):
    await ask(page, "say: one")
    await expect(answers(page)).to_have_count(1)
    await page.evaluate("""() => {
        const key = Object.keys(localStorage)[0], kept = JSON.parse(localStorage[key]);
        localStorage[key] = JSON.stringify({ ...kept, token: "not.a.token", outbox: [{ id: "x", text: "say: two", state: "sending" }] });
    }""")
    async with visit(page.context.browser, page.url, storage_state=await page.context.storage_state()) as other:
        await expect(answers(other)).to_contain_text(["two"])


async def test_the_keyboard_alone_is_enough(page):
    await expect(page.get_by_label("Your message")).to_be_focused()
    await page.keyboard.type("say: first line")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("second line")
    await expect(page.get_by_label("Your message")).to_have_value("say: first line\nsecond line")
    await page.keyboard.press("Enter")
    await expect(answers(page)).to_contain_text("second line")
    await expect(page.get_by_label("Your message")).to_be_focused()
    await ask(page, "hello")
    await expect(answers(page)).to_have_count(2)
    chip = answers(page).last.locator(".cite button").first
    for _ in range(40):
        await page.keyboard.press("Shift+Tab")
        if await chip.evaluate("(one) => one.getRootNode().activeElement === one"):
            break
    await page.keyboard.press("Enter")
    await expect(page.get_by_text(QUOTE)).to_be_visible()
    assert await page.get_by_role("log").get_attribute("aria-live") == "polite"


@pytest.mark.parametrize("width", [320, 390])
async def test_on_a_phone_everything_fits_its_width(browser, front, core, width):
    phone = {"viewport": {"width": width, "height": 640}, "is_mobile": True, "has_touch": True}
    async with visit(browser, f"http://{front.settings.http}/", **phone) as page:
        await page.get_by_role("button", name=QUESTION).tap()
        await expect(answers(page)).to_have_count(1)
        await ask(page, "say: " + "unbreakable" * 30)
        await expect(answers(page)).to_have_count(2)
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        inner, outer = await page.locator(".scroll").evaluate("(box) => [box.scrollWidth, box.clientWidth]")
        assert inner == outer
        assert await page.locator("pre").evaluate("(box) => box.scrollWidth > box.clientWidth")
        box = await page.get_by_role("button", name="Send").bounding_box()
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= 640


async def test_right_to_left_text_runs_right_to_left(page):
    await ask(page, "say: مرحبا بك في المتجر")
    await expect(answers(page)).to_have_count(1)
    assert await answers(page).locator(".text").evaluate("(text) => getComputedStyle(text).direction") == "rtl"


async def test_markup_in_a_message_or_an_answer_stays_text(page):
    await ask(page, 'say: <img src=x onerror="document.title=1"> <script>document.title=2</script> [x](javascript:alert(1))')
    await expect(answers(page)).to_contain_text("onerror")
    assert await page.title() == "Pedal & Path"
    assert await page.locator(".log img, .log script, .log a[href^=javascript]").count() == 0


@asynccontextmanager
async def shop(widget: str) -> AsyncIterator[str]:
    """A page of another origin, with a strict policy of its own."""
    body = f'<!doctype html><title>Shop</title><h1>Shop</h1><script type="module" src="{widget}"></script><turnout-chat></turnout-chat>'
    policy = f"default-src 'none'; script-src {widget.rpartition('/')[0]}/; connect-src {widget.rpartition('/')[0]}/"
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-security-policy: {policy}\r\ncontent-length: {len(body)}\r\n\r\n"

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()

    port = free_port()
    server = await asyncio.start_server(handle, "127.0.0.1", port)
    async with server:
        yield f"http://localhost:{port}/"


async def test_one_script_tag_puts_the_widget_on_another_site(browser, front, core):
    async with shop(f"http://{front.settings.http}/widget.js") as address, visit(browser, address) as page:
        launcher = page.get_by_role("button", name="Open chat")
        await launcher.click()
        await expect(page.get_by_role("dialog", name="Pedal & Path")).to_be_visible()
        await expect(page.get_by_label("Your message")).to_be_focused()
        await ask(page, "hello")
        await expect(answers(page)).to_have_count(1)
        await answers(page).locator(".cite button").first.click()
        link = page.get_by_role("link", name="Open source")
        assert str(await link.evaluate("(one) => one.href")).startswith(f"http://{front.settings.http}/sources/")
        await page.keyboard.press("Escape")
        await expect(launcher).to_be_focused()
        assert await page.title() == "Shop"


async def test_the_example_shop_answers_in_the_browser_with_a_source_that_opens(browser, shop):
    """No stand-in: the page, the core, retrieval and the documents as `make run` starts them."""
    async with visit(browser, f"{shop.url}/") as page:
        await ask(page, QUESTION)
        await expect(answers(page).first).to_contain_text("30 days")
        chip = answers(page).first.locator(".cite").get_by_role("button", name="Source 1: Returning something you bought")
        await chip.first.click()
        async with page.context.expect_page() as opened:
            await page.get_by_role("link", name="Open source").first.click()
        await expect((await opened.value).locator("mark").first).to_contain_text("30 days")


async def test_a_cited_row_deep_in_a_long_document_is_in_view_and_marked(browser, front, bus):
    rows = "".join(f"| E{number} | What it means, in words | {number} mm |\n" for number in range(3000))

    async def document(data: bytes) -> bytes:
        return encode(Document(source="codes.pdf", title="Codes", text=f"# Codes\n\n| Code | Meaning | Gap |\n|-|-|-|\n{rows}"))

    async with bus.serve("retrieval", {"retrieval.document": document}):
        address = f"http://{front.settings.http}/sources/codes.pdf?quote=%7C+E2345+%7C+What+it+means&page=7#cited"
        async with visit(browser, address, viewport={"width": 390, "height": 700}) as page:
            await expect(page.locator("#cited")).to_be_in_viewport()
            await expect(page.locator("#cited")).to_have_text("E2345")
            await expect(page.get_by_text("Source, page 7")).to_have_count(1)
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
