"""Set-up of browser tests over HTTP: signing in, ordering and waiting without the browser.

The tests about these steps take them in the browser; all others submit the forms over HTTP, in a
fraction of the time. The cookies are those of the browser, which continues from there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

from lxml import html
from playwright.sync_api import APIResponse, Locator, Page

from e2e.live import Customer
from tests.support import patience

LOOK_EVERY = 200
"""Milliseconds between two requests for a page while a test waits."""

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def sign_in(page: Page, customer: Customer) -> None:
    """Sign in to the customer area; the browser stays on its page."""
    answer = submit(page, "/login", nic_handle=customer.nic_handle, password=customer.password)
    assert answer.url.endswith("/manager/web"), answer.url


def order(page: Page, language: str, customer: Customer, business: int = 1) -> str:
    """Sign in, order licences of Office 365 Business, and open the purchase order in the browser.

    Return the order's number.
    """
    sign_in(page, customer)
    summary = submit(page, f"/{language}/order", business=str(business))
    contracts = summary.url.replace("/order/summary", "/order/contracts")
    answer = submit(page, contracts, accepted="yes")
    assert re.search(rf"/{language}/order/\d+$", answer.url), answer.url
    page.goto(answer.url)
    return answer.url.rsplit("/", 1)[-1]


def open_group(page: Page, customer: Customer) -> str:
    """Sign in and open the customer's group of Office 365 Business once it is installed.

    Return its URL.
    """
    sign_in(page, customer)
    found: list[str] = []

    def is_installed() -> bool:
        home = _read(_get(page, "/manager/web"))
        found[:] = home.xpath("//main//a[contains(., 'Office 365 Business')]/@href")
        return bool(found) and bool(_read(_get(page, found[0])).xpath("//form[@id='add-user']"))

    _wait(page, is_installed)
    page.goto(found[0])
    return page.url


def look_again_until(
    page: Page, happened: Callable[[], bool], look: Callable[[], object] | None = None
) -> None:
    """Reload the page, or call ``look``, whenever its text changes, until something has happened.

    Changes are polled over HTTP, so that the browser renders no page twice. The browser must have
    finished its navigation before the call.
    """
    shown = _text(html.document_fromstring(page.content()))
    while not happened():
        shown = _what_is_new(page, shown)
        (look or page.reload)()


def see(page: Page, wanted: Locator, count: int = 1) -> None:
    """Reload the page until it shows ``wanted``, ``count`` times or more."""
    look_again_until(page, lambda: wanted.count() >= count)


def _what_is_new(page: Page, shown: str) -> str:
    """Wait until the page's text differs from ``shown``, and return it."""
    said = [shown]

    def says_more() -> bool:
        said[0] = _text(_read(_get(page, page.url)))
        return said[0] != shown

    _wait(page, says_more)
    return said[0]


def _wait(page: Page, happened: Callable[[], bool]) -> None:
    patience.wait_until(happened, lambda: 0, between=lambda: page.wait_for_timeout(LOOK_EVERY))


def submit(page: Page, address: str, **values: str) -> APIResponse:
    """Submit the form of a page that has fields of these names."""
    forms = _read(_get(page, address)).forms
    form = next(form for form in forms if set(values) <= set(form.fields))
    form.fields.update(values)
    data = urlencode(form.form_values())
    if form.method == "GET":
        return _get(page, f"{form.action}?{data}")
    return _checked(page.request.post(form.action, data=data, headers=FORM))


def _get(page: Page, address: str) -> APIResponse:
    return _checked(page.request.get(address))


def _checked(answer: APIResponse) -> APIResponse:
    assert answer.ok, f"{answer.status} {answer.url}"
    return answer


def _read(answer: APIResponse) -> html.HtmlElement:
    document = html.document_fromstring(answer.body(), base_url=answer.url)
    document.make_links_absolute()
    return document


def _text(document: html.HtmlElement) -> str:
    return " ".join("".join(document.xpath("//main//text()")).split())
