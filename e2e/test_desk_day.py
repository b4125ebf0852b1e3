"""A day at the hosting company: delivery, transfer, VAT return, evidence and erasure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from playwright.sync_api import Page, expect

from e2e import by_http, desk
from e2e.journey import Journey
from e2e.live import LiveShop
from shop.clock import PARIS

Check = Callable[[], None]


def _confirm(journey: Journey, french: str, english: str) -> None:
    """Give a reason for an act, and confirm it."""
    journey.field("Motif", "Reason").fill("Asked by telephone")
    journey.button("Poursuivre", "Continue").click()
    journey.button(french, english).click()


def test_support_retries_a_delivery_that_failed(
    page: Page, journey: Journey, sandbox: LiveShop, check_accessibility: Check
) -> None:
    customer = sandbox.new_customer(journey.language)
    sandbox.switch(provider_refused_offer="business")
    number = by_http.order(page, journey.language, customer)
    journey.pay()
    journey.expect_status("Échec de la livraison", "Delivery failed")
    sandbox.reset_switches()

    desk.sign_in(page, sandbox, "support", journey.language)
    page.goto("/desk/today")
    failed = page.locator("#today").get_by_role("link", name=number)
    expect(failed.first).to_be_visible()
    check_accessibility()
    failed.first.click()
    journey.link("Relancer la livraison", "Try the delivery again").click()
    _confirm(journey, "Relancer la livraison", "Try the delivery again")
    told = journey.say("La livraison de la commande est relancée.", "is being delivered again.")
    expect(page.locator("main")).to_contain_text(told)
    page.goto(f"/desk/orders/{number}")
    by_http.see(page, page.locator("main").get_by_text(journey.say("Finalisée", "Completed")))
    page.goto("/desk/today")
    expect(page.locator("#today").get_by_role("link", name=number)).to_have_count(0)


def test_billing_records_a_transfer_and_prepares_the_return(
    page: Page, journey: Journey, shop: LiveShop, check_accessibility: Check
) -> None:
    customer = shop.new_customer(journey.language)
    number = by_http.order(page, journey.language, customer)
    desk.sign_in(page, shop, "billing", journey.language)
    page.goto(f"/desk/orders/{number}")
    amounts = re.findall(r"\d+[.,]\d\d", page.locator("main").inner_text())
    total = max(amounts, key=lambda amount: float(amount.replace(",", ".")))

    page.goto("/desk/money/statements")
    today = f"{datetime.now(PARIS):%d/%m/%Y}"  # the shop's clock only ever goes ahead of it
    statement = f"Date;Montant;Libellé\n{today};{total};VIR ATELIER {number}\n"
    content = {"name": "releve.csv", "mimeType": "text/csv", "buffer": statement.encode()}
    page.get_by_label(journey.say("Relevé", "Statement"), exact=True).set_input_files([content])
    journey.button("Lire le relevé", "Read the statement").click()
    row = page.get_by_role("row").filter(has_text=number)
    expect(row).to_contain_text(journey.say("Le montant concorde", "The amount fits"))
    check_accessibility()
    row.get_by_role("link", name=journey.say("Enregistrer", "Record")).click()
    _confirm(journey, "Enregistrer", "Record")
    expect(page).to_have_url(f"{shop.url}/desk/money/statements")
    expect(page.get_by_role("row").filter(has_text=number)).to_have_count(0)

    page.goto(f"/desk/orders/{number}")
    invoice = page.locator("main").get_by_role("link", name=re.compile(r"FA\d{4}-\d{6}"))
    by_http.see(page, invoice)
    issued = invoice.first.inner_text()
    page.goto("/desk/accounting")
    check_accessibility()
    journey.link("CA3, DES et OSS d’un mois", "CA3, DES and OSS of a month").click()
    check_accessibility()
    page.locator("main").get_by_role("row").get_by_role("link").first.click()
    expect(page.locator("main").get_by_role("row").get_by_role("link").first).to_be_visible()
    check_accessibility()
    page.goto("/desk/accounting")
    with page.expect_download() as begun:
        journey.button("Télécharger le FEC", "Download the FEC").click()
    assert re.fullmatch(r"\d{9}FEC\d{8}\.txt", begun.value.suggested_filename)
    entries = Path(begun.value.path()).read_text("iso-8859-15")
    assert issued in entries


def test_an_administrator_proves_an_order_and_erases_a_customer(
    page: Page, journey: Journey, shop: LiveShop, check_accessibility: Check
) -> None:
    customer = shop.new_customer(journey.language)
    number = by_http.order(page, journey.language, customer)
    desk.sign_in(page, shop, "administrator", journey.language)
    page.goto("/desk/data")
    check_accessibility()
    journey.field("Numéro de commande", "Order number").fill(number)
    journey.button("Afficher", "Show").click()
    check_accessibility()
    with page.expect_download() as begun:
        journey.link("Télécharger les preuves (ZIP)", "Download the evidence (ZIP)").click()
    assert number in begun.value.suggested_filename

    page.goto("/desk/data")
    nic_handle = journey.field("Identifiant client (nic-handle)", "Customer ID (nic-handle)")
    nic_handle.fill(customer.nic_handle)
    journey.button("Poursuivre", "Continue").click()
    check_accessibility()
    _confirm(journey, "Effacer définitivement", "Erase for good")
    expect(page.locator("main")).to_contain_text(
        journey.say("Le client est effacé.", "The customer is erased.")
    )
    page.goto(f"/desk/customers/{customer.nic_handle}")
    expect(page.locator("main")).not_to_contain_text(customer.email)
