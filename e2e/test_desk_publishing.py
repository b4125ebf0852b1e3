"""An administrator publishes an announcement and a price, and takes both back."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from e2e import desk
from e2e.journey import Journey
from e2e.live import LiveShop


def test_an_administrator_publishes_an_announcement_and_a_price(
    page: Page, journey: Journey, shop: LiveShop, check_accessibility: Callable[[], None]
) -> None:
    say = journey.say
    desk.sign_in(page, shop, "administrator", journey.language)
    page.goto("/desk/announcements")
    journey.link("Publier une annonce", "Publish an announcement").click()
    journey.field("Texte en français", "Text in French").fill("Maintenance samedi à 2 h.")
    journey.field("Texte en anglais", "Text in English").fill("Maintenance on Saturday at 2.")
    journey.field("Jusqu’à (heure de Paris)", "Until (Paris time)").fill("2999-01-01T00:00")
    check_accessibility()
    journey.button("Poursuivre", "Continue").click()
    expect(page.locator("main")).to_contain_text(say("Indiquez le motif.", "Give the reason."))
    journey.field("Motif", "Reason").fill("Travaux sur le réseau")
    journey.button("Poursuivre", "Continue").click()
    expect(page.locator("main")).to_contain_text("Travaux sur le réseau")
    journey.button("Publier", "Publish").click()
    expect(page).to_have_url(f"{shop.url}/desk/announcements")
    check_accessibility()

    page.goto(f"/{journey.language}/")
    told = say("Maintenance samedi à 2 h.", "Maintenance on Saturday at 2.")
    expect(page.locator("main")).to_contain_text(told)
    check_accessibility()

    _confirm_taking_back(page, journey, "/desk/announcements", told)
    page.goto(f"/{journey.language}/")
    expect(page.locator("main")).not_to_contain_text(told)

    page.goto("/desk/prices")
    journey.link("Fixer un prix", "Set a price").click()
    amount = say(
        "Prix d’une licence par mois, hors TVA (€)", "Price of a licence a month, excl. VAT (€)"
    )
    page.get_by_label(amount, exact=True).fill("9,90")
    journey.field("À partir du", "From the day").fill("2999-01-01")
    journey.field("Motif", "Reason").fill("Microsoft")
    journey.button("Poursuivre", "Continue").click()
    journey.button("Fixer le prix", "Set the price").click()
    expect(page).to_have_url(f"{shop.url}/desk/prices")
    check_accessibility()
    _confirm_taking_back(page, journey, "/desk/prices", say("9,90", "9.90"))
    expect(page.get_by_role("row").filter(has_text="2999")).to_have_count(0)


def _confirm_taking_back(page: Page, journey: Journey, address: str, row: str) -> None:
    """Take back what the row of a list shows."""
    page.goto(address)
    found = page.get_by_role("row").filter(has_text=row).first
    found.get_by_role("link", name=journey.say("Retirer", "Take back"), exact=True).click()
    journey.field("Motif", "Reason").fill("Reporté")
    journey.button("Poursuivre", "Continue").click()
    journey.button("Retirer", "Take it back").click()
    expect(page).to_have_url(address)
