"""An administrator brings out an offer, and takes another from sale while a customer orders it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

from playwright.sync_api import Page, expect

from e2e import desk
from e2e.journey import Journey
from e2e.live import LiveShop
from shop.clock import day_of


def test_an_administrator_brings_out_an_offer_and_ends_the_sale_of_it(
    page: Page, journey: Journey, shop: LiveShop, check_accessibility: Callable[[], None]
) -> None:
    say = journey.say
    edition = uuid4().hex[:6]  # the code of an offer is never used again
    code, name = f"mini_{edition}", f"Office 365 Mini {edition}"
    desk.sign_in(page, shop, "administrator", journey.language)
    page.goto("/desk/offers")
    check_accessibility()
    journey.link("Ajouter une offre", "Add an offer").click()
    journey.field("Code", "Code").fill(code)
    journey.field("Nom", "Name").fill(name)
    journey.field("Applications", "Applications").fill("Word, Teams")
    journey.field("Licences par groupe, au plus", "Licences in a group, at most").fill("500")
    journey.field("Motif", "Reason").fill("Pour les petites équipes")
    journey.button("Poursuivre", "Continue").click()
    expect(page.locator("main")).to_contain_text(say("au plus 300", "at most 300"))
    check_accessibility()
    journey.field("Licences par groupe, au plus", "Licences in a group, at most").fill("5")
    journey.button("Poursuivre", "Continue").click()
    expect(page.locator("main")).to_contain_text(say("Ce que voient les clients", "As customers"))
    check_accessibility()
    journey.button("Ajouter l’offre", "Add the offer").click()
    expect(page).to_have_url(f"{shop.url}/desk/offers")

    first = _tomorrow(shop)
    page.get_by_role("link", name=name, exact=True).click()
    check_accessibility()
    journey.link("Fixer les jours de vente", "Set the days of the sale").click()
    journey.field("En vente à partir du", "On sale from the day").fill(str(first))
    journey.field("Motif", "Reason").fill("Lancement")
    journey.button("Poursuivre", "Continue").click()
    expect(page.locator("main")).to_contain_text(say("Il n’y a pas de prix", "There is no price"))

    _set_price(page, journey, code, first)
    _sell(page, journey, code, first)
    expect(page.locator("main")).to_contain_text(say("Bientôt en vente", "On sale soon"))
    page.goto(f"/{journey.language}/")
    expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)

    shop.advance_clock(timedelta(days=1))
    page.goto(f"/{journey.language}/")
    page.get_by_role("navigation").get_by_role("link", name=name, exact=True).first.click()
    expect(page.locator("main")).to_contain_text("Teams")
    check_accessibility()
    journey.link("Commander", "Order").first.click()
    quantity = journey.field(f"Licences {name}", f"{name} licences")
    expect(quantity).to_have_value("1")
    quantity.fill("3")
    check_accessibility()

    customer = page.context.browser.new_context(base_url=shop.url).new_page()
    customer.goto(f"/{journey.language}/order/summary?{code}=3&business=0&pro_plus=0")
    expect(customer.locator("main")).to_contain_text(name)
    desk.sign_in(page, shop, "administrator", journey.language)
    _sell(page, journey, code, first, end=first)
    expect(page.locator("main")).to_contain_text(say("Plus en vente", "No longer on sale"))
    customer.reload()
    expect(customer.locator("main")).to_contain_text(
        say("n’est plus en vente\u00a0: indiquez 0", "is no longer on sale: enter 0")
    )
    expect(customer.get_by_label(say(f"Licences {name}", f"{name} licences"))).to_have_value("3")
    customer.context.close()


def _tomorrow(shop: LiveShop) -> date:
    return day_of(datetime.fromtimestamp(shop.now(), UTC)) + timedelta(days=1)


def _set_price(page: Page, journey: Journey, code: str, first: date) -> None:
    page.goto("/desk/prices/new")
    page.get_by_label(journey.say("Offre", "Offer"), exact=True).select_option(code)
    amount = journey.say(
        "Prix d’une licence par mois, hors TVA (€)", "Price of a licence a month, excl. VAT (€)"
    )
    page.get_by_label(amount, exact=True).fill("4,50")
    journey.field("À partir du", "From the day").fill(str(first))
    journey.field("Motif", "Reason").fill("Lancement")
    journey.button("Poursuivre", "Continue").click()
    journey.button("Fixer le prix", "Set the price").click()


def _sell(page: Page, journey: Journey, code: str, first: date, end: date | None = None) -> None:
    page.goto(f"/desk/offers/{code}")
    journey.link("Fixer les jours de vente", "Set the days of the sale").click()
    journey.field("En vente à partir du", "On sale from the day").fill(str(first))
    until = journey.field("Plus en vente à partir du", "No longer on sale from the day")
    until.fill(str(end) if end else "")
    journey.field("Motif", "Reason").fill("Décidé en comité")
    journey.button("Poursuivre", "Continue").click()
    journey.button("Fixer les jours", "Set the days").click()
