"""« Mes services » in a browser: renewals, means of payment, terminations."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from e2e import by_http
from e2e.journey import ACCEPTED, STRONG, Journey
from e2e.live import LiveShop

Check = Callable[[], None]


def open_service(page: Page, journey: Journey, shop: LiveShop) -> str:
    """Sign in and open the service of three licences from the account menu. Return its URL."""
    by_http.sign_in(page, shop.new_customer(journey.language, licences=3))
    page.goto("/manager/web")
    page.locator("#account-menu, [aria-controls=account-menu]").first.click()
    journey.link("Mes services", "My services").click()
    listed = page.locator("#services").get_by_role("link", name=re.compile("Office 365"))
    by_http.see(page, listed)
    listed.click()
    page.wait_for_url("**/manager/services/*")
    return page.url


def total(page: Page) -> Locator:
    """Return the cost of the next renewal on the page of the service."""
    return page.locator(".totals-due dd").first


def test_a_customer_looks_after_a_service_until_its_end_and_keeps_it(
    page: Page, journey: Journey, shop: LiveShop, check_accessibility: Check
) -> None:
    service, say, main = open_service(page, journey, shop), journey.say, page.locator("main")
    check_accessibility()
    before = total(page).inner_text()

    journey.button("Enregistrer une carte", "Register a card").click()
    expect(page.locator("body")).to_contain_text(say("0,00 €", "€0.00"))
    journey.enter_card(STRONG)
    journey.button("Authentifier", "Authenticate").click()
    page.wait_for_url("**/manager/services/*")
    expect(main).to_contain_text(say("Votre carte est enregistrée", "Your card is registered"))
    expect(main).to_contain_text("3155")
    expect(page.get_by_label(say("Débiter chaque mois", "Charge each month"))).to_be_checked()
    check_accessibility()
    journey.field("Je paie chaque mois moi-même", "I pay each month myself").check()
    journey.button("Enregistrer ce choix", "Save this choice").click()
    expect(main).to_contain_text(
        say("Aucune carte n’est débitée pour ce service", "No card is charged for this service")
    )
    check_accessibility()
    journey.link("Voir et retirer mes cartes", "See and remove my cards").click()
    expect(main).to_contain_text(say("Aucun service n’y est débité", "No service is charged to it"))
    check_accessibility()
    page.get_by_role(
        "button", name=re.compile(say("^Retirer cette carte", "^Remove this card"))
    ).click()
    expect(main).to_contain_text(say("est retirée", "is removed"))
    check_accessibility()
    page.goto(service)
    expect(main).not_to_contain_text("3155")

    journey.link("Rendre des licences", "Give back licences").click()
    check_accessibility()
    journey.button("Poursuivre", "Continue").click()
    expect(page.locator(".error-summary")).to_contain_text(
        say("Choisissez au moins une licence", "Choose at least one licence")
    )
    check_accessibility()
    journey.field("Licences inutilisées", "Licences that nobody uses").fill("1")
    journey.button("Poursuivre", "Continue").click()
    expect(main).to_contain_text(say("revenir sur cette décision", "take this back"))
    less = total(page).inner_text()
    assert less != before
    check_accessibility()
    journey.button("Rendre 1 licence", "Give back 1 licence").click()
    expect(total(page)).to_have_text(less)
    journey.button("Garder la licence n° 3", "Keep licence no. 3").click()
    expect(total(page)).to_have_text(before)

    journey.link("Résilier ce service", "Terminate this service").click()
    expect(main).to_contain_text(say("rien n’est plus facturé", "nothing is charged"))
    check_accessibility()
    journey.button("Résilier ce service", "Terminate this service").click()
    expect(main).to_contain_text(say("Ce service se termine le", "This service ends on"))
    check_accessibility()
    journey.button("Garder ce service", "Keep this service").click()
    expect(total(page)).to_have_text(before)

    journey.button("Payer ce renouvellement maintenant", "Pay this renewal now").click()
    journey.enter_card(ACCEPTED)
    page.wait_for_url("**/manager/account/bills/*")
    page.goto(service)
    by_http.see(page, page.get_by_text(say("Payé d’avance", "Paid ahead")))
    page.goto("/manager/services")
    expect(page.locator("#services tbody tr")).to_contain_text(say("Payé d’avance", "Paid ahead"))
    check_accessibility()


def test_what_the_operator_does_with_a_service_is_told_with_its_reason(
    page: Page, journey: Journey, shop: LiveShop, check_accessibility: Check
) -> None:
    say, main = journey.say, page.locator("main")
    service = open_service(page, journey, shop)
    name = service.rsplit("/", 1)[-1]
    shop.flask("services", "suspend", name, "--reason", "Envois signalés.")
    page.goto(service)
    expect(main).to_contain_text(say("Ce service est suspendu", "This service is suspended"))
    expect(main).to_contain_text("Envois signalés.")
    check_accessibility()
    shop.flask("services", "end", name, "--reason", "Envois répétés.")
    page.goto(service)
    expect(main).to_contain_text(say("Notre équipe y a mis fin", "Our team has ended it"))
    expect(main).to_contain_text("Envois répétés.")
    check_accessibility()
