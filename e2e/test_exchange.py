"""Exchange services and Office Attach in a browser, from both entry points."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e import by_http
from e2e.journey import ACCEPTED, DECLINED, Journey
from e2e.live import LiveShop

Check = Callable[[], None]


@pytest.fixture
def service(page: Page, journey: Journey, shop: LiveShop) -> str:
    """The URL of an Exchange service of 40 mailboxes, open in the browser."""
    customer = shop.new_customer(journey.language, exchange=True)
    by_http.sign_in(page, customer)
    page.goto("/manager/exchange")
    page.locator("main table").get_by_role("link").first.click()
    page.wait_for_url("**/manager/exchange/*")
    return page.url


def count(page: Page) -> Locator:
    return page.locator("#attach-count")


def expect_chosen(page: Page, journey: Journey, number: int) -> None:
    """Wait for the count; without JavaScript, reload the list."""
    words = journey.say(
        f"{number} comptes sélectionnés pour un maximum de 25",
        f"{number} accounts selected out of a maximum of 25",
    )
    if not page.locator("html.js").count():
        journey.button("Rechercher", "Search").click()
    expect(count(page)).to_have_text(words)


def search(page: Page, journey: Journey, wanted: str) -> None:
    page.locator("#search-q").fill(wanted)
    if not page.locator("html.js").count():
        journey.button("Rechercher", "Search").click()


def accept_and_confirm(page: Page, journey: Journey) -> None:
    journey.field(
        "J’ai lu et j’accepte les contrats", "I have read and accept the contracts"
    ).check()
    page.locator("#renewal").check()
    journey.button("Valider", "Confirm").click()


def give_other_logins(page: Page) -> None:
    """Replace each login that is not the mailbox's own: with a hint, or with an error."""
    marked = page.locator("input[name^=login-][aria-describedby]")
    ids = [marked.nth(n).get_attribute("id") for n in range(marked.count())]
    assert len(ids) == 3, "two that are too long, and one that is taken"
    for number, name in enumerate(ids):
        page.locator(f"#{name}").fill(f"autre.login{number}")


def expect_active(page: Page, journey: Journey, number: int) -> None:
    """Wait for the active licences; without JavaScript, reload the page."""
    words = journey.say(f"{number} licences actives", f"{number} active licences")
    done = page.locator("#attach-progress").get_by_text(words)
    if not journey.has_script():
        by_http.see(page, done)
    expect(done).to_be_visible()


def test_the_banner_leads_to_25_free_licences_after_a_card_is_registered(
    page: Page, journey: Journey, service: str, check_accessibility: Check
) -> None:
    check_accessibility()
    journey.button("Profitez de cette offre", "Get the offer").click()
    expect(count(page)).to_contain_text("25")
    check_accessibility()
    journey.button("Suivant", "Next").click()
    expect(page.locator("main")).to_contain_text(journey.say("220,00 € HT", "€220.00 excl. VAT"))
    check_accessibility()
    page.locator("input[name^=login-][aria-describedby$=-hint]").first.fill("ab")
    accept_and_confirm(page, journey)
    expect(page.locator(".error-summary")).to_be_visible()
    expect(page.locator("#accepted")).to_be_checked()
    check_accessibility()
    give_other_logins(page)
    page.locator("#owners").check()
    journey.button("Valider", "Confirm").click()

    expect(page.locator("body")).to_contain_text(journey.say("0,00 €", "€0.00"))
    journey.enter_card(DECLINED)
    page.wait_for_url("**/attach/review*")
    expect(page.locator(".alert-error")).to_contain_text(
        journey.say("Votre banque a refusé la carte", "Your bank declined the card")
    )
    check_accessibility()
    journey.button("Valider", "Confirm").click()
    journey.enter_card(ACCEPTED)
    page.wait_for_url("**/attach/review*")
    expect(page.locator("main")).to_contain_text(
        journey.say("Votre carte est enregistrée", "Your card is registered")
    )
    expect(page.locator("input[value='autre.login0']")).to_be_visible()
    check_accessibility()
    journey.button("Valider", "Confirm").click()
    page.wait_for_url(service)
    expect_active(page, journey, 25)
    check_accessibility()
    expect(journey.button("Profitez de cette offre", "Get the offer")).to_have_count(0)

    journey.link("Comptes E-mail", "Email accounts").click()
    expect(journey.button("Souscrire à Office 365", "Subscribe to Office 365")).to_have_count(0)
    check_accessibility()
    search(page, journey, "brendan")
    page.locator("#exchange-accounts").get_by_role("link", name=re.compile("brendan")).click()
    expect(page.locator("#seats")).to_contain_text("brendan.o'connor@")
    expect(page.locator("#seats .badge")).to_have_text(journey.say("Créé", "Created"))
    page.goto("/manager/account/emails")
    expect(page.locator("main")).to_contain_text("@atelier-lumiere.example")


def test_accounts_are_chosen_across_searches_and_pages(
    page: Page, journey: Journey, service: str, check_accessibility: Check
) -> None:
    journey.button("Ne plus afficher cette offre", "Do not show this offer again").click()
    expect(journey.button("Profitez de cette offre", "Get the offer")).to_have_count(0)
    journey.link("Comptes E-mail", "Email accounts").click()
    check_accessibility()
    journey.button("Souscrire à Office 365", "Subscribe to Office 365").click()
    expect_chosen(page, journey, 25)
    search(page, journey, "zoé")
    journey.field(
        "zoe.lefevre@atelier-lumiere.example", "zoe.lefevre@atelier-lumiere.example"
    ).check()
    expect_chosen(page, journey, 26)
    journey.button("Suivant", "Next").click()
    expect(page.locator(".error-summary")).to_contain_text("25")
    check_accessibility()
    journey.link("Tout désélectionner", "Select none").click()
    expect(count(page)).to_contain_text("0")
    page.locator("#attach-accounts input[type=checkbox]").first.check()
    journey.button("Page suivante", "Next page").click()
    expect(page.locator("#attach-accounts")).to_contain_text("zoe.lefevre@")
    page.locator("#attach-accounts input[type=checkbox]").last.check()
    expect_chosen(page, journey, 2)
    journey.button("Suivant", "Next").click()
    expect(page.locator("input[name^=login-]")).to_have_count(2)
    typed = page.locator(f"#{page.locator('input[name^=login-]').last.get_attribute('id')}")
    typed.fill("zoe")
    accept_and_confirm(page, journey)
    journey.enter_card(ACCEPTED)
    page.wait_for_url("**/attach/review*")
    expect(typed).to_have_value("zoe")
    journey.button("Valider", "Confirm").click()
    page.wait_for_url(service)
    expect_active(page, journey, 2)


@pytest.mark.only(language="fr", size="desktop", script=True)
def test_the_keyboard_is_enough(page: Page, journey: Journey, service: str) -> None:
    def press(target: Locator, key: str) -> None:
        target.focus()
        page.keyboard.press(key)

    press(journey.button("Profitez de cette offre", "Get the offer"), "Enter")
    press(journey.link("Tout désélectionner", "Select none"), "Enter")
    expect(count(page)).to_contain_text("0 compte")
    page.wait_for_load_state()  # a key pressed before the page's script is ready is not counted
    box = page.locator("#attach-accounts input[type=checkbox]")
    press(box.nth(2), "Space")
    expect(count(page)).to_contain_text("1 compte")
    expect(box.nth(2)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect_chosen(page, journey, 2)
    expect(box.nth(3)).to_be_checked()
    press(journey.button("Suivant", "Next"), "Enter")
    press(page.locator("input[name^=login-][aria-describedby$=-hint]"), "Control+A")
    page.keyboard.type("as")
    press(page.locator("#accepted"), "Space")
    press(page.locator("#renewal"), "Space")
    press(journey.button("Valider", "Confirm"), "Enter")
    expect(page.locator(".error-summary")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("input[name^=login-][aria-invalid=true]")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("anne-sophie")
    page.keyboard.press("Tab")
    expect(page.locator("input[name^=login-][aria-invalid=true]")).to_have_count(0)
    press(journey.button("Valider", "Confirm"), "Enter")
    expect(journey.field("Numéro de carte", "Card number")).to_be_visible()
