"""An unpaid renewal: reminded repeatedly, suspended, and resumed by payment.

These tests move the clock on by months, so they have their own shop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO

import pytest
from playwright.sync_api import Locator, Page, expect
from pypdf import PdfReader

from e2e import by_http, live
from e2e.journey import ACCEPTED, Journey

Check = Callable[[], None]
AMOUNT = re.compile(r"\d+,\d\d\s€|€\d+\.\d\d")
WAITS = (3, 4, 7)
"""Days between the attempts to charge a renewal: after 3, 7 and 14 days."""


@pytest.fixture(scope="session")
def shop(
    new_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[live.LiveShop]:
    """A shop for these tests only, since they move its clock on."""
    folder = tmp_path_factory.mktemp("unpaid")
    with live.running(new_database("unpaid"), folder) as running:
        yield running


def document_behind(page: Page, link: Locator) -> str:
    """Return the text of a PDF's first page."""
    answer = page.request.get(link.get_attribute("href") or "")
    return PdfReader(BytesIO(answer.body())).pages[0].extract_text()


def test_an_unpaid_renewal_suspends_the_group_until_it_is_paid(
    page: Page, journey: Journey, shop: live.LiveShop, check_accessibility: Check
) -> None:
    say, main = journey.say, page.locator("main")
    customer = shop.new_customer(journey.language, licences=1)
    by_http.sign_in(page, customer)
    page.goto("/manager/services")
    by_http.see(page, page.locator("#services tbody a"))
    page.goto("/manager/web")
    to_pay = journey.link("Un renouvellement à payer vous-même", "A renewal to pay yourself")
    expect(to_pay, "the home says it from the first day").to_be_visible()
    check_accessibility()

    # 25 days: less than a week before the renewal, whatever the length of the month.
    shop.advance_clock(timedelta(days=25))
    by_http.sign_in(page, customer)
    coming = re.compile(say("à payer vous-même", "to pay yourself"), re.IGNORECASE)
    page.goto("/manager/account/emails")
    by_http.see(page, main.get_by_role("link", name=coming))
    main.get_by_role("link", name=coming).first.click()
    letter = page.frame_locator("iframe").locator("body")
    expect(letter).to_contain_text(say("À régler avant le", "To be paid before"))
    expect(letter).to_contain_text(say("Licences non utilisées", "Licences not used"))

    shop.advance_clock(timedelta(days=7))
    page.goto("/login")
    journey.sign_in(customer)
    expect(page).to_have_url(re.compile("/manager/web"))
    unpaid = page.get_by_text(say("n’est pas payé", "is not paid"))
    by_http.see(page, unpaid)
    check_accessibility()
    subject = re.compile(say("renouvellement du groupe", "renewal of"), re.IGNORECASE)
    letters = main.get_by_role("link", name=subject)
    for told, days in enumerate(WAITS, start=1):
        page.goto("/manager/account/emails")
        by_http.see(page, letters, told)
        shop.advance_clock(timedelta(days=days, minutes=1))
        # The session has ended with the days without use.
        by_http.sign_in(page, customer)
    page.goto("/manager/web")
    suspended = page.get_by_text(say("est suspendu\u00a0: un", "is suspended: a"))
    by_http.see(page, suspended)
    journey.link("Voir et payer", "See and pay").first.click()
    expect(main).to_contain_text(say("À régler maintenant", "To pay now"))
    check_accessibility()

    # A month later, paying also starts the service again: what that charges is said before.
    shop.advance_clock(timedelta(days=31))
    by_http.sign_in(page, customer)
    page.goto("/manager/services")
    page.locator("#services tbody a").first.click()
    said = main.get_by_text(say("sont facturés en même temps", "are invoiced at the same time"))
    started = AMOUNT.findall(said.inner_text())[0]
    check_accessibility()

    page.get_by_role(
        "button", name=re.compile(say("^Payer .* par carte", "^Pay .* by card"))
    ).click()
    journey.enter_card(ACCEPTED)
    page.wait_for_url("**/manager/account/bills/*")
    number = page.url.rsplit("/", 1)[-1]
    assert number in document_behind(
        page, journey.link("Télécharger la facture (PDF)", "Download the invoice (PDF)")
    )
    expect(suspended).to_have_count(0)
    page.goto("/manager/account/bills")
    by_http.see(page, main.get_by_text(started))
