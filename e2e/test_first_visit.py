"""The first visit to the shop: what it loads, and what it does where the CDN does not answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from e2e import by_http, cdn
from e2e.live import Customer
from tests.support import patience
from tooling import htmx

Say = Callable[[str, str], str]

MOST_REQUESTS = 6
MOST_BYTES = 60_000

COPY = "**/static/built/htmx.*.js"
COPY_TAG = "script[src*='/built/htmx.']"


def test_the_shop_speaks_the_visitors_language(
    page: Page, language: str, check_accessibility: Callable[[], None]
) -> None:
    page.goto("/")
    expect(page).to_have_url(f"/{language}/")
    expect(page.locator("html")).to_have_attribute("lang", language)
    check_accessibility()


@pytest.mark.only(language="fr", size="desktop", script=True)
def test_pages_load_the_very_htmx_that_npm_has(page: Page) -> None:
    page.goto("/fr/")
    script = page.locator(f'script[src$="/htmx.org@{htmx.VERSION}/dist/htmx.min.js"]')
    expect(script).to_have_attribute("integrity", htmx.INTEGRITY)
    assert page.evaluate("htmx.version") == htmx.VERSION


# --- What it loads -------------------------------------------------------------------------------


@pytest.mark.only(script=True)
def test_the_first_order_page_is_light(page: Page, language: str) -> None:
    weights: dict[str, float] = {}
    addresses: dict[str, str] = {}
    session = page.context.new_cdp_session(page)
    session.on(
        "Network.requestWillBeSent",
        lambda event: addresses.update({event["requestId"]: event["request"]["url"]}),
    )
    session.on(
        "Network.loadingFinished",
        lambda event: weights.update({event["requestId"]: event["encodedDataLength"]}),
    )
    session.send("Network.enable")
    page.goto(f"/{language}/order")
    session.send("Network.disable")
    own = [request for request, url in addresses.items() if url != cdn.ADDRESS]
    assert cdn.ADDRESS in addresses.values()
    assert 3 <= len(own) <= MOST_REQUESTS, addresses
    assert sum(weights[request] for request in own) <= MOST_BYTES, weights
    assert page.evaluate("document.cookie") == ""
    assert not [each for each in page.context.cookies() if "session" in each["name"]]


# --- The typeface --------------------------------------------------------------------------------

WATCH_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) window.shifted += each.value;
}).observe({type: "layout-shift", buffered: true});
"""
SETTLED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
HAS_COME = (
    "[...document.fonts].some((face) => face.family.includes('Source') && face.status == 'loaded')"
)


def _movement_when_it_comes(page: Page, language: str, until_then: str = "") -> float:
    """Return how much of the order page moves when the typeface comes late: the layout shift."""
    held: list[Route] = []
    page.add_init_script(WATCH_SHIFTS)
    page.route("**/static/built/latin.*.woff2", lambda route: held.append(route))
    page.goto(f"/{language}/order?offer=business", wait_until="domcontentloaded")
    if until_then:
        page.evaluate(
            "(face) => document.documentElement.style.setProperty('--font', face)", until_then
        )
    # What follows by script, the total among it, is there before the typeface.
    _wait_until(page, "typeof htmx != 'undefined'")
    page.evaluate(SETTLED)
    assert not page.evaluate(HAS_COME)
    before = float(page.evaluate("window.shifted"))
    patience.wait_until(lambda: bool(held), lambda: 0, between=lambda: page.wait_for_timeout(50))
    held.pop().continue_()
    _wait_until(page, HAS_COME)
    page.evaluate(SETTLED)
    return float(page.evaluate("window.shifted")) - before


def _wait_until(page: Page, condition: str) -> None:
    """Wait for a condition in the page, whose policy allows Playwright no `wait_for_function`."""
    patience.wait_until(
        lambda: bool(page.evaluate(condition)), lambda: 0, between=lambda: page.wait_for_timeout(50)
    )


@pytest.mark.only(script=True)
def test_nothing_moves_when_the_typeface_comes(page: Page, language: str) -> None:
    assert _movement_when_it_comes(page, language) < 0.02


@pytest.mark.only(language="fr", size="phone", script=True)
def test_a_face_of_another_width_would_move_the_page(page: Page) -> None:
    """The positive control of the test above."""
    other = '"Source Sans 3", "DejaVu Sans", monospace'
    assert _movement_when_it_comes(page, "fr", other) > 0.02


@pytest.mark.only(script=True)
def test_pages_are_set_in_the_typeface_with_figures_of_one_width(page: Page, language: str) -> None:
    page.goto(f"/{language}/order?business=3")
    _wait_until(page, HAS_COME)
    assert page.evaluate("document.fonts.check('16px \"Source Sans 3\"', 'éœ€')")
    widths = page.evaluate(
        """() => {
          const context = document.createElement("canvas").getContext("2d");
          context.font = "600 40px 'Source Sans 3'";
          return Array.from("0123456789", (figure) => context.measureText(figure).width);
        }"""
    )
    assert len(set(widths)) == 1, widths


# --- Where the CDN does not answer ---------------------------------------------------------------


class Cdn:
    """The CDN as a test wants it: blocked, or silent until it is told to answer."""

    def __init__(self, page: Page, unreachable: set[str]) -> None:
        self._page, self._unreachable = page, unreachable
        self._asked: list[Route] = []

    def block(self, *more: str) -> None:
        """Have every request for htmx, and for what else is named, fail."""
        for address in (cdn.ADDRESS, *more):
            self._page.route(address, self._refuse)

    def _refuse(self, route: Route) -> None:
        self._unreachable.add(route.request.url)
        route.abort()

    def hang(self) -> None:
        """Accept requests for htmx and give no answer."""
        self._page.route(cdn.ADDRESS, lambda route: self._asked.append(route))

    def answer(self) -> None:
        """Give the answer after all."""
        for route in self._asked:
            route.fulfill(
                body=Path(htmx.FILE).read_text(),
                content_type="text/javascript",
                headers={"Access-Control-Allow-Origin": "*"},
            )


@pytest.fixture
def broken_cdn(page: Page, unreachable: set[str]) -> Cdn:
    return Cdn(page, unreachable)


def stop_the_clock(page: Page) -> None:
    """Let no timer of the page run out until the test says so."""
    page.clock.install(time=0)
    page.clock.pause_at(1)


def business(page: Page, say: Say) -> Locator:
    label = say("Licences Office 365 Business", "Office 365 Business licences")
    return page.get_by_label(label, exact=True)


@pytest.mark.only(script=True)
def test_a_cdn_that_never_answers_holds_nothing_up(
    page: Page, language: str, say: Say, broken_cdn: Cdn
) -> None:
    broken_cdn.hang()
    stop_the_clock(page)
    page.goto(f"/{language}/order?offer=business", wait_until="domcontentloaded")
    more = say(
        "Une de plus : Licences Office 365 Business", "One more: Office 365 Business licences"
    )
    page.get_by_role("button", name=more).click()
    expect(business(page, say)).to_have_value("2")
    assert page.evaluate("typeof htmx") == "undefined"
    totals = page.locator("#totals")
    expect(totals).to_have_text(
        say("Le total suit à la page suivante.", "The total follows on the next page.")
    )
    page.clock.run_for(2000)
    expect(page.locator(COPY_TAG)).to_have_attribute("integrity", htmx.INTEGRITY)
    page.clock.resume()
    expect(totals).to_contain_text(say("21,12\u00a0€", "€21.12"))
    # An answer that comes now must not run htmx a second time.
    page.evaluate("window.first = htmx")
    with page.expect_event("requestfinished", lambda request: request.url == cdn.ADDRESS):
        broken_cdn.answer()
    business(page, say).fill("3")
    expect(totals).to_contain_text(say("31,68\u00a0€", "€31.68"))
    assert page.evaluate("window.first === htmx")


@pytest.mark.only(language="fr", size="phone", script=True)
def test_a_blocked_cdn_is_replaced_at_once(page: Page, say: Say, broken_cdn: Cdn) -> None:
    broken_cdn.block()
    stop_the_clock(page)
    page.goto("/fr/order?offer=business", wait_until="domcontentloaded")
    expect(page.locator(COPY_TAG)).to_have_attribute("integrity", htmx.INTEGRITY)
    page.clock.resume()
    business(page, say).fill("5")
    expect(page.locator("#totals")).to_contain_text("52,80\u00a0€")


@pytest.mark.only(script=True)
def test_a_total_that_cannot_follow_is_not_shown(
    page: Page, say: Say, language: str, broken_cdn: Cdn, check_accessibility: Callable[[], None]
) -> None:
    broken_cdn.block(COPY)
    page.goto(f"/{language}/order?offer=business")
    totals = page.locator("#totals")
    expect(totals).to_contain_text(say("10,56\u00a0€", "€10.56"))
    business(page, say).fill("5")
    expect(totals).to_have_text(
        say("Le total suit à la page suivante.", "The total follows on the next page.")
    )
    check_accessibility()
    page.get_by_role("button", name=say("Commander", "Order"), exact=True).click()
    expect(page.get_by_role("main")).to_contain_text(say("52,80\u00a0€", "€52.80"))
    page.go_back()
    expect(business(page, say)).to_have_value("5")
    expect(totals).not_to_contain_text(say("10,56\u00a0€", "€10.56"))


@pytest.mark.only(language="en", size="desktop", script=True)
def test_the_customer_area_says_what_it_cannot_renew(
    page: Page, shop: object, customer: Customer, broken_cdn: Cdn
) -> None:
    by_http.sign_in(page, customer)
    broken_cdn.block(COPY)
    page.goto("/manager/order")
    choice = page.locator("#order-choice")
    expect(choice).to_contain_text("€10.82")
    page.get_by_label("Number of licences").fill("4")
    expect(choice).to_contain_text("The total follows on the next page.")
    expect(choice).not_to_contain_text("€10.82")
    # What works without scripts is offered again.
    expect(page.get_by_role("button", name="Show the groups of this type")).to_be_visible()
