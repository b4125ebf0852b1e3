"""Money at the desk, as the staff would tell it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e import by_http, desk
from e2e.journey import Journey
from e2e.live import LiveShop

Check = Callable[[], None]


def confirm(page: Page, journey: Journey, button: str, **fields: str) -> None:
    """Fill in the form of an act, go on, and confirm it."""
    for label, value in fields.items():
        page.get_by_label(label.replace("_", " "), exact=False).first.fill(value)
    page.get_by_role("button", name="Poursuivre").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("À confirmer")
    page.get_by_role("button", name=button, exact=True).click()


@pytest.mark.only(language="fr", size="desktop", script=False)
def test_a_credit_note_and_goodwill_that_a_colleague_confirms(
    page: Page, journey: Journey, shop: LiveShop, browser: Browser, check_accessibility: Check
) -> None:
    customer = shop.new_customer("fr", licences=2)
    by_http.sign_in(page, customer)
    page.goto("/manager/account/bills")
    bill = page.locator("#bills").get_by_role("link", name=re.compile(r"FA\d{4}-\d{6}"))
    by_http.see(page, bill)
    number = bill.first.inner_text()

    # Camille opens the invoice by its number, and gives a part of it back.
    with browser.new_context(base_url=shop.url, locale="fr-FR") as camille_context:
        camille = camille_context.new_page()
        desk.sign_in(camille, shop, "billing", "fr")
        camille.goto("/desk/money")
        camille.get_by_label("Numéro d’une commande, d’une facture ou d’un avoir").fill(number)
        camille.get_by_role("button", name="Afficher").click()
        expect(camille.get_by_role("heading", level=1)).to_have_text(f"Facture {number}")
        camille.get_by_role("link", name="Émettre un avoir").click()
        confirm(camille, journey, "Émettre l’avoir", Montant_HT="3,00", Motif="Panne d’un jour")
        note = camille.get_by_role("link", name=re.compile(r"Avoir AV\d{4}-\d{6}"))
        expect(note.first).to_be_visible()
        # Goodwill above the limit waits for a colleague.
        camille.get_by_role("link", name=customer.nic_handle).click()
        camille.get_by_role("link", name="Faire un geste commercial").click()
        confirm(
            camille, journey, "Porter au solde", Montant_TTC="1500", Motif="Une semaine de panne"
        )
        expect(camille.locator("main")).to_contain_text("Attend un second membre")

    with browser.new_context(base_url=shop.url, locale="fr-FR") as sacha_context:
        sacha = sacha_context.new_page()
        desk.sign_in(sacha, shop, "billing", "fr")
        sacha.goto("/desk/money")
        row = sacha.get_by_role("row").filter(has_text=customer.nic_handle)
        row.get_by_role("link", name="Valider").click()
        confirm(sacha, journey, "Valider", Motif="Vérifié au téléphone")
        expect(sacha.get_by_text("Confirmé et exécuté.")).to_be_visible()

    # The customer reads both.
    page.goto("/manager/account/bills")
    expect(page.locator("#bills")).to_contain_text("1 500,00 €")
    expect(page.locator("#bills")).to_contain_text("AV2")
    check_accessibility()
