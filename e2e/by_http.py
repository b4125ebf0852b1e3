"""The customer's way without a browser: what a test needs before it begins, and how it waits.

Signing in, ordering and waiting are shown in a browser by the tests they are about; all others get
there by what forms and pages say, in a fraction of the time. Cookies are the browser's own, which
goes on where this has led.
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
"""Milliseconds between two looks at a page that is waited for."""

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def sign_in(page: Page, customer: Customer) -> None:
    """Sign in at the door of the customer area; the browser stays where it is."""
    answer = _submit(page, "/login", nic_handle=customer.nic_handle, password=customer.password)
    assert answer.url.endswith("/manager/web"), answer.url


def order(page: Page, language: str, customer: Customer, business: int = 1) -> str:
    """Sign in and order licences of Office 365 Business, up to the purchase order that is then
    open in the browser; its number."""
    sign_in(page, customer)
    summary = _submit(page, f"/{language}/order", business=str(business))
    contracts = summary.url.replace("/order/summary", "/order/contracts")
    answer = _submit(page, contracts, accepted="yes")
    assert re.search(rf"/{language}/order/\d+$", answer.url), answer.url
    page.goto(answer.url)
    return answer.url.rsplit("/", 1)[-1]


def open_group(page: Page, customer: Customer) -> str:
    """Sign in and open the customer's group of Office 365 Business once it is installed; its
    address."""
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
    """Load the page again, or do ``look``, whenever it says something new, until something has
    happened on it.

    What is new is asked for beside the browser: it draws no page that it has drawn already. The
    browser has arrived where it was going: a page on its way is not asked for again.
    """
    shown = _text(html.document_fromstring(page.content()))
    while not happened():
        shown = _what_is_new(page, shown)
        (look or page.reload)()


def see(page: Page, wanted: Locator, count: int = 1) -> None:
    """Load the page again until something stands there, ``count`` times or more."""
    look_again_until(page, lambda: wanted.count() >= count)


def _what_is_new(page: Page, shown: str) -> str:
    """Wait until the page says something other than what it shows, and return that."""
    said = [shown]

    def says_more() -> bool:
        said[0] = _text(_read(_get(page, page.url)))
        return said[0] != shown

    _wait(page, says_more)
    return said[0]


def _wait(page: Page, happened: Callable[[], bool]) -> None:
    patience.wait_until(happened, lambda: 0, between=lambda: page.wait_for_timeout(LOOK_EVERY))


def _submit(page: Page, address: str, **values: str) -> APIResponse:
    """Fill in and send the form at an address that has fields of these names."""
    forms = _read(_get(page, address)).forms
    form = next(form for form in forms if set(values) <= set(form.fields))
    form.fields.update(values)
    data = urlencode(form.form_values())
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
