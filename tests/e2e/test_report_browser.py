"""The report of an evaluation in a real browser: from a desk to a phone, and with the worst that an answer can say in it."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.async_api import Browser, async_playwright

from core.evaluation.tracks import report
from core.evaluation.tracks.records import Run
from tests.e2e.test_browser import FLAGS
from tests.evaluation.sample import sample
from tests.evaluation.test_report_page import hostile

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def run() -> Run:
    made = sample(intents=3, cases=60)
    return replace(made, checks=report.checks(made))


@pytest.fixture
async def browser():
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS.split())
        yield browser
        await browser.close()


async def seen(browser: Browser, page: str, folder: Path, **options):
    """The page as a visitor has it, without a network, and what it complains about or asks for."""
    path = folder / "report.html"
    path.write_text(page)
    context = await browser.new_context(offline=True, **options)
    context.set_default_timeout(60_000)
    opened, heard = await context.new_page(), []
    opened.on("pageerror", lambda error: heard.append(str(error)))
    opened.on("request", lambda request: heard.append(request.url) if not request.url.startswith("file:") else None)
    await opened.goto(path.as_uri())
    return opened, heard


@pytest.mark.parametrize("width", [360, 1280])
async def test_it_fits_and_its_parts_are_reached(browser, run: Run, tmp_path: Path, width: int) -> None:
    page, heard = await seen(browser, report.page(run), tmp_path, viewport={"width": width, "height": 800})
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.get_by_role("navigation").get_by_role("link", name="Intent by intent").click()
    assert await page.get_by_role("heading", name="Intent by intent").is_visible()
    hidden = page.get_by_text("A right answer holds").first
    assert not await hidden.is_visible()
    await page.get_by_text("Questions on which the tracks differ most").first.click()
    assert await hidden.is_visible()
    assert heard == []


async def test_what_an_answer_says_never_runs(browser, run: Run, tmp_path: Path) -> None:
    page, heard = await seen(browser, report.page(hostile(run)), tmp_path, viewport={"width": 360, "height": 800})
    assert await page.evaluate("window.hit") is None
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    assert heard == []
