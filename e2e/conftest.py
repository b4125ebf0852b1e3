"""Fixtures of browser tests: a running shop, and a browser that reaches nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, Request, expect

from e2e import cdn, combinations, live
from e2e.combinations import Combination
from e2e.journey import Journey
from e2e.virtual_device import VirtualDevice
from tests.support import patience
from tooling import assets, browser, fonts, htmx

CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    # One process shows all pages and one draws them: a quarter of the browser's time went into
    # beginning processes.
    "--in-process-gpu",
    "--disable-site-isolation-trials",
    "--renderer-process-limit=1",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = patience.STUCK * 1000
"""Milliseconds until something that does not appear is missing, on a machine however busy."""

SIZES: dict[str, dict[str, Any]] = {
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "desktop": {"viewport": {"width": 1280, "height": 800}},
}
LOCALES = {"fr": "fr-FR", "en": "en-GB"}

EXPECTED_ON_CONSOLE = "Failed to load resource: the server responded with a status of"
"""Chromium's console message for every error status, including ours for invalid forms."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option to run every combination instead of pairs."""
    parser.addoption(
        "--all-combinations",
        action="store_true",
        help="run browser tests with every combination of language, size and script",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Download what is missing from npm, and keep a screenshot of every failure."""
    htmx.prepare()
    fonts.prepare()
    assets.prepare(sys.executable)
    expect.set_options(timeout=PATIENCE)
    config.option.screenshot = "only-on-failure"
    config.option.full_page_screenshot = True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that uses a browser with the combinations that it allows."""
    if "combination" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("only")
    choice = combinations.allowed(**marker.kwargs if marker else {})
    if not metafunc.config.getoption("all_combinations"):
        choice = combinations.few(choice, _turn(metafunc))
    metafunc.parametrize("combination", choice, ids=str, scope="function")


def _turn(metafunc: pytest.Metafunc) -> int:
    """Return the position of a test in its module."""
    tests = [name for name in vars(metafunc.module) if name.startswith("test_")]
    return tests.index(metafunc.function.__name__)


# --- The shop --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def shop(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.LiveShop]:
    """A running shop with demo data, shared by all browser tests; each uses its own customer."""
    with live.running(database_url, tmp_path_factory.mktemp("shop")) as running:
        yield running


@pytest.fixture
def sandbox(shop: live.LiveShop) -> Iterator[live.LiveShop]:
    """The sandbox's controls; all switches are reset after the test."""
    yield shop
    shop.reset_switches()


@pytest.fixture
def customer(shop: live.LiveShop, language: str) -> live.Customer:
    """A new customer with the visitor's language."""
    return shop.new_customer(language)


@pytest.fixture(scope="session")
def base_url(shop: live.LiveShop) -> str:
    """The base of relative URLs (pytest-playwright's name for it)."""
    return shop.url


# --- The browser -----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def htmx_from_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The Chromium options to load htmx from this machine and reach no other."""
    with cdn.serving(tmp_path_factory.mktemp("cdn")) as options:
        yield options


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any],
    htmx_from_here: list[str],
    pytestconfig: pytest.Config,
) -> dict[str, Any]:
    """The options of the system's Chromium, or of Playwright's if there is none."""
    return browser_type_launch_args | {
        "executable_path": browser.find_chromium(headed=pytestconfig.getoption("--headed")),
        "args": CHROMIUM_OPTIONS + htmx_from_here,
    }


@pytest.fixture
def browser_context_args(
    browser_context_args: dict[str, Any], combination: Combination, shop: live.LiveShop
) -> dict[str, Any]:
    """The options of a browser context for the combination, at the test's shop."""
    return (
        browser_context_args
        | SIZES[combination.size]
        | {
            # Not cached: a module may have its own shop.
            "base_url": shop.url,
            "locale": LOCALES[combination.language],
            "timezone_id": "Europe/Paris",
            "java_script_enabled": combination.script,
        }
    )


@pytest.fixture
def unreachable() -> set[str]:
    """The URLs that a test blocks: the browser's console may say so."""
    return set()


@pytest.fixture
def context(
    context: BrowserContext, shop: live.LiveShop, unreachable: set[str]
) -> Iterator[BrowserContext]:
    """A browser context that reaches the shop, the sandbox and htmx only.

    A page that requests anything else, or logs an error to its console, fails the test.
    """
    complaints: list[str] = []
    known = (shop.url, shop.sandbox_url, cdn.ADDRESS, "data:", "blob:")

    def look_at(request: Request) -> None:
        if not request.url.startswith(known):
            complaints.append(f"asked for {request.url}")

    context.set_default_timeout(PATIENCE)
    context.on("request", look_at)
    context.on("console", lambda message: complaints.extend(_complaints(message, unreachable)))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context
    assert not complaints


def _complaints(message: Any, unreachable: set[str]) -> Iterator[str]:
    if message.location["url"] in unreachable:
        return
    if message.type == "error" and not message.text.startswith(EXPECTED_ON_CONSOLE):
        yield message.text


@pytest.fixture
def language(combination: Combination) -> str:
    """The visitor's language, as in URLs."""
    return combination.language


@pytest.fixture
def script(combination: Combination) -> bool:
    """Whether JavaScript runs."""
    return combination.script


@pytest.fixture
def say(language: str) -> Callable[[str, str], str]:
    """The function ``say("Commander", "Order")``: the text in the visitor's language."""
    return lambda french, english: french if language == "fr" else english


@pytest.fixture
def journey(page: Page, language: str) -> Journey:
    """The visitor's journey through the shop."""
    return Journey(page, language)


@pytest.fixture
def check_accessibility(page: Page, script: bool) -> Callable[[], None]:
    """The function that checks the open page with axe, which needs JavaScript."""

    def check() -> None:
        if script:
            results = Axe().run(page)
            assert not results.violations_count, results.generate_report()

    return check


@pytest.fixture
def authenticator(page: Page) -> VirtualDevice:
    """A virtual authenticator for passkeys that verifies its user."""
    return VirtualDevice.of(page)
