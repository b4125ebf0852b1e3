"""A simulated person with a browser: opens pages, follows links, and submits the pages' forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlencode, urljoin, urlsplit

from bench.client import Browser, Page, RequestFailed
from bench.pages import find_form, find_link
from bench.stopwatch import Stopwatch


class JourneyFailed(Exception):
    """A step did not end as expected; the message says which step and what happened."""


class Visitor:
    """A visitor of the site at ``url``, with an HTTP client and cookies of its own.

    One that is patient comes again when the site is too busy.
    """

    def __init__(self, url: str, stopwatch: Stopwatch, *, is_patient: bool = False) -> None:
        self._stopwatch = stopwatch
        self._browser = Browser(url, is_patient=is_patient)
        self._page = Page()

    @property
    def requests(self) -> int:
        """The requests to the site so far, redirects included; those to a bank are not."""
        return self._browser.requests_to[urlsplit(self._browser.url).netloc]

    @property
    def refusals(self) -> list[float]:
        """The seconds until each response that said that the site is too busy."""
        return self._browser.refusals

    @property
    def cookies(self) -> dict[str, str]:
        """The header with which it is signed in."""
        return self._browser.cookie_header(urlsplit(self._browser.url).hostname or "")

    def _open(self, step: str, address: str, headers: Mapping[str, str] | None = None) -> None:
        self._request(step, address, lambda: self._browser.get(address, headers))

    def _press(self, step: str, button: str, **values: str) -> None:
        """Fill in and submit the form with this button."""
        try:
            form = find_form(self._page.text, button)
            data = form.filled(values)
        except LookupError as error:
            raise JourneyFailed(f"{step}: at {self._page.url}: {error}") from error
        page, address = self._page.url, urljoin(self._page.url, form.action)
        if form.method == "post":
            self._request(step, address, lambda: self._browser.post(address, data, page))
        else:
            self._open(step, f"{address.partition('?')[0]}?{urlencode(data)}")

    def _follow(self, step: str, link: str) -> None:
        """Follow the link of this name."""
        try:
            address = find_link(self._page.text, link)
        except LookupError as error:
            raise JourneyFailed(f"{step}: at {self._page.url}: {error}") from error
        self._open(step, urljoin(self._page.url, address))

    def _request(self, step: str, address: str, ask: Callable[[], Page]) -> None:
        try:
            with self._stopwatch.step(step):
                self._page = ask()
        except RequestFailed as error:
            raise JourneyFailed(f"{step}: {error}") from error
        if self._page.status != 200:
            raise JourneyFailed(f"{step}: {address} led to {self._page.status} at {self._page.url}")

    def _expect(self, step: str, text: str) -> None:
        if text not in self._page.text:
            raise JourneyFailed(f"{step}: {self._page.url} does not say {text!r}")
