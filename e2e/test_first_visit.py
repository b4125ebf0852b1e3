"""The first visit to the shop: what it loads, and what it does where the CDN does not answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from e2e import by_http, cdn
from e2e.live import Customer
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
