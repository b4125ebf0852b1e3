"""« Mes factures » in a browser: the first bill, payment at the bank, files for accounting."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from e2e import by_http
from e2e.journey import ACCEPTED, DECLINED, Journey
from e2e.live import Customer, LiveShop

Check = Callable[[], None]
NUMBER = re.compile(r"FA\d{4}-\d{6}")


def open_bills(page: Page, journey: Journey, customer: Customer) -> None:
    """Open the bills from the account menu."""
    page.goto("/manager/web")
    page.locator("summary", has_text=customer.nic_handle).click()
    journey.link("Mes factures", "My bills").click()
    page.wait_for_url("**/manager/account/bills*")


def wait_for_a_bill(page: Page) -> None:
    """Wait for the first bill, which the worker writes a moment after the delivery."""
    page.goto("/manager/account/bills")
    by_http.see(page, page.locator("#bills").get_by_role("link", name=NUMBER))


def expect_status(page: Page, journey: Journey, french: str, english: str) -> None:
    """Wait for the bill's status; without JavaScript, reload the page."""
    status, words = page.locator("#bill-status .badge"), journey.say(french, english)
    if not journey.has_script():
        by_http.look_again_until(page, lambda: status.first.inner_text().strip() == words)
    expect(status).to_have_text(words)


def file_behind(page: Page, link: Locator) -> bytes:
    """Return the content of the file that a link leads to."""
    answer = page.request.get(link.get_attribute("href") or "")
    assert answer.ok, answer.status_text
    return answer.body()


def test_bills_are_found_paid_and_taken_along(
    page: Page, journey: Journey, shop: LiveShop, check_accessibility: Check
) -> None:
    customer = shop.new_customer(journey.language, licences=2)
    by_http.sign_in(page, customer)
    wait_for_a_bill(page)
    open_bills(page, journey, customer)
    row = page.locator("#bills tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(journey.say("17,60 €", "€17.60"))
    expect(row).to_contain_text(journey.say("21,12 €", "€21.65"))
    expect(row).to_contain_text(journey.say("Payée", "Paid"))
    check_accessibility()

    page.goto("/manager/services")
    page.locator("main").get_by_role("link", name=re.compile("o365|Office", re.I)).first.click()
    journey.button("Payer ce renouvellement maintenant", "Pay this renewal now").click()
    journey.enter_card(DECLINED)
    page.wait_for_url("**/manager/account/bills/FA*")
    expect_status(page, journey, "À régler", "Due")
    expect(page.locator("#bill-status [role=alert]")).to_contain_text(
        journey.say("Votre banque a refusé la carte", "Your bank declined the card")
    )
    check_accessibility()
    journey.pay(ACCEPTED, by_card=None)
    page.wait_for_url("**/manager/account/bills/FA*")
    expect_status(page, journey, "Payée", "Paid")
    check_accessibility()
    document = journey.link("Télécharger la facture (PDF)", "Download the invoice (PDF)")
    pdf = file_behind(page, document)
    assert pdf.startswith(b"%PDF-")

    open_bills(page, journey, customer)
    expect(row).to_have_count(2)
    expect(row.first).to_contain_text(journey.say("Renouvellement", "Renewal"))
    table = file_behind(
        page, journey.link("Ces factures en tableau (CSV)", "These bills as a table (CSV)")
    )
    assert len(table.splitlines()) == 3
    archive = file_behind(
        page, journey.link("Ces factures en PDF (ZIP)", "These bills as PDFs (ZIP)")
    )
    assert pdf in archive, "stored uncompressed, with the same bytes"

    journey.field("Émises du", "Issued from").fill("2020-01-01")
    journey.field("Au", "Issued to").fill("2020-12-31")
    journey.button("Filtrer", "Filter").click()
    expect(page.locator("#bills")).to_contain_text(
        journey.say("Aucune facture sur cette période", "No bill in this period")
    )
    expect(page).to_have_url(re.compile("from=2020-01-01"))
    check_accessibility()
    journey.field("Au", "Issued to").fill("2019-12-31")
    journey.button("Filtrer", "Filter").click()
    expect(page.locator("#field-to")).to_contain_text(
        journey.say("Ce jour précède le premier", "This day lies before the first one")
    )
    check_accessibility()


def test_a_wrong_invoice_is_replaced_by_a_right_one(
    page: Page, journey: Journey, shop: LiveShop, check_accessibility: Check
) -> None:
    say = journey.say
    customer = shop.new_customer(journey.language, licences=1)
    by_http.sign_in(page, customer)
    wait_for_a_bill(page)
    wrong = page.locator("#bills").get_by_role("link", name=NUMBER).first.inner_text()
    said = shop.flask("billing", "correct", wrong, "Adresse.", "--street", "7 rue Haute")
    new = next(number for number in NUMBER.findall(said) if number != wrong)
    page.goto("/manager/account/bills")
    expect(page.locator("#bills tbody tr", has_text=wrong)).to_contain_text(
        say("Remplacée", "Replaced")
    )
    page.get_by_role("link", name=wrong, exact=True).click()
    check_accessibility()
    page.locator("#bill-status").get_by_role("link", name=new).click()
    page.wait_for_url(f"**/{new}")
    expect_status(page, journey, "Payée", "Paid")
    expect(page.get_by_role("article")).to_contain_text("7 rue Haute")
    check_accessibility()
    link = journey.link("Télécharger la facture (PDF)", "Download the invoice (PDF)")
    assert file_behind(page, link).startswith(b"%PDF")
