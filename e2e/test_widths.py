"""No page scrolls sideways, on any screen from a small phone to a wide desktop.

The pages are read over HTTP and laid out one after the other in a frame, which takes every width:
a browser needs ten times as long to open a page as to lay it out again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

import pytest
from lxml import html
from playwright.sync_api import Page, expect

from e2e import by_http
from e2e.journey import Journey
from e2e.live import LiveShop

WIDTHS = (320, 360, 390, 480, 600, 700, 768, 820, 912, 1024, 1280, 1440, 1920)

MEASURE = """
async ([pages, widths]) => {
  const frame = document.createElement("iframe");
  frame.style.height = "900px";
  document.body.replaceChildren(frame);
  const shown = frame.contentDocument;
  shown.documentElement.classList.add("js"); // shows the buttons of scripts
  const styles = document.querySelector("link[rel=stylesheet]").cloneNode();
  await new Promise((resolve) => { styles.onload = resolve; shown.head.append(styles); });
  const isTabs = (element) => element.matches(".tabs"); // they may be more than a phone is wide
  const isTooWide = (element) => element.scrollWidth > element.clientWidth && !isTabs(element)
    && ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
  const found = [];
  for (const [address, text] of pages) {
    shown.body.replaceWith(new DOMParser().parseFromString(text, "text/html").body);
    const parts = Array.from(shown.querySelectorAll("main *"));
    for (const width of widths) {
      frame.style.width = `${width}px`;
      const page = shown.documentElement;
      const wide = parts.filter(isTooWide).map((part) => `${part.localName}.${part.className}`);
      if (page.scrollWidth > page.clientWidth) wide.push(`the page by ${page.scrollWidth - width}`);
      found.push(...wide.map((what) => `${address} at ${width} px: ${what}`));
    }
  }
  return found;
}
"""


@pytest.mark.only(size="desktop", script=True)
def test_no_page_scrolls_sideways(page: Page, shop: LiveShop, language: str) -> None:
    of_visitors = list(_pages(page, [f"/{language}/", *_steps(language), "/login", "/nothing"]))
    customer = shop.new_customer(language, licences=3, exchange=True)
    by_http.open_group(page, customer)
    page.context.clear_cookies()
    by_http.order(page, language, customer)
    of_customers = list(_pages(page, ["/manager/web", *_steps(language)]))
    assert len(of_visitors) > 15
    assert len(of_customers) > 35
    wide = page.evaluate(MEASURE, [[*of_visitors, *of_customers], WIDTHS])
    assert not wide, "\n".join(wide)


# --- Enlarged (WCAG 1.4.4, 1.4.10) ---------------------------------------------------------------

WIDTHS_OF_LARGE_TEXT = (640, 768, 1024, 1280, 1920)

FOUR_TIMES = {"width": 320, "height": 256}
"""What is left of a screen of 1280 × 1024 when a page is enlarged to 400 %."""

STUCK = """
async () => {
  const stuck = Array.from(document.querySelectorAll("body *")).filter((element) => {
    const style = getComputedStyle(element);
    return ["sticky", "fixed"].includes(style.position) && style.display != "none"
      && style.clipPath == "none" && element.getClientRects().length > 0;
  });
  let most = 0;
  for (let top = 0; top <= document.documentElement.scrollHeight; top += 128) {
    scrollTo(0, top);
    await new Promise((done) => requestAnimationFrame(done));
    const covered = stuck.map((element) => element.getBoundingClientRect())
      .filter((box) => box.width > innerWidth / 2)
      .map((box) => Math.min(box.bottom, innerHeight) - Math.max(box.top, 0))
      .filter((height) => height > 0);
    most = Math.max(most, ...covered, 0);
  }
  return {
    most: most / innerHeight,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
}
"""


@pytest.mark.only(size="desktop", script=True)
def test_text_of_twice_the_size_scrolls_no_page_sideways(
    page: Page, shop: LiveShop, language: str
) -> None:
    pages = _some_pages(page, shop, language)
    page.goto(f"/{language}/order?business=3")
    as_it_is = _size_of_text(page)
    session = page.context.new_cdp_session(page)
    session.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    page.reload()
    assert _size_of_text(page) == 2 * as_it_is
    texts = [(address, page.request.get(address).text()) for address in pages]
    wide = page.evaluate(MEASURE, [texts, WIDTHS_OF_LARGE_TEXT])
    assert not wide, "\n".join(wide)


@pytest.mark.only(size="desktop", script=True)
def test_enlarged_four_times_pages_flow_and_what_sticks_leaves_room(
    page: Page, shop: LiveShop, language: str
) -> None:
    addresses = _some_pages(page, shop, language)
    page.set_viewport_size(FOUR_TIMES)
    for address in addresses:
        page.goto(address)
        found = page.evaluate(STUCK)
        assert found["wide"] <= 0, address
        assert found["most"] <= 0.5, f"{address}: something covers {found['most']:.0%}"


def _some_pages(page: Page, shop: LiveShop, language: str) -> list[str]:
    """Sign a customer in; return addresses of pages with all kinds of tables, forms and bars."""
    customer = shop.new_customer(language, licences=3, exchange=True)
    by_http.open_group(page, customer)
    group = urlsplit(page.url).path
    exchange = html.document_fromstring(page.request.get("/manager/exchange").body()).xpath(
        "//main//a[contains(@href, '/exchange/')]/@href"
    )
    assert exchange
    return [
        *(f"/{language}{path}" for path in ("/", "/office-365-business")),
        *(f"/{language}/order{step}?business=3" for step in ("", "/summary", "/contracts")),
        *("/manager/web", group, f"{group}/usage", f"{group}/information", "/manager/order"),
        *("/manager/account/bills", "/manager/account/services", "/manager/account/profile"),
        *(exchange[0], f"{exchange[0]}/attach"),
    ]  # fmt: skip


def _size_of_text(page: Page) -> float:
    size = page.evaluate("getComputedStyle(document.querySelector('main p')).fontSize")
    return float(str(size).removesuffix("px"))


# --- The pages -----------------------------------------------------------------------------------


def _steps(language: str) -> list[str]:
    """Return pages that forms lead to."""
    steps = ("account", "summary", "identification", "contracts")
    return [f"/{language}/order/{step}?business=2&pro_plus=1" for step in steps] + [
        "/manager/order/office/contracts?offer=business&quantity=2"
    ]


def _pages(page: Page, left: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the addresses and texts of the pages that links lead to, one of each kind."""
    seen: set[str] = set()
    while left:
        address = left.pop(0)
        if _kind(address) in seen:
            continue
        seen.add(_kind(address))
        answer = page.request.get(address)
        if "html" in answer.headers["content-type"]:
            yield address, answer.text()
            left += _links(answer.body())


def _links(text: bytes) -> Iterable[str]:
    """Return the links of a page within the shop, in the language of the page."""
    document = html.document_fromstring(text)
    other = "/en/" if document.get("lang") == "fr" else "/fr/"
    links = document.xpath("//a/@href")
    return [link for link in links if link.startswith("/") and not link.startswith(other)]


def _kind(address: str) -> str:
    """Return an address without the names and numbers of what it shows."""
    return re.sub(r"/(?!office-365|o365)[^/]*\d[^/]*", "/*", urlsplit(address).path)


# --- E-mails ---------------------------------------------------------------------------------


@pytest.mark.only(size="phone", script=True)
def test_a_name_without_a_break_widens_no_email(
    page: Page, shop: LiveShop, language: str, journey: Journey
) -> None:
    customer = shop.new_customer(language)
    by_http.sign_in(page, customer)
    by_http.submit(page, "/manager/account/profile", last_name="Wolfeschlegelstein" * 8)
    page.context.clear_cookies()
    by_http.order(page, language, customer)
    journey.open_letter("bon de commande", "purchase order")
    page.goto(f"{page.url}/html")
    expect(page.locator("body")).to_contain_text("Wolfeschlegelstein" * 8)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
