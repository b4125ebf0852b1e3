"""Support finds a customer by what the customer reads out, and sees what the customer sees."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from e2e import by_http, desk
from e2e.journey import Journey
from e2e.live import LiveShop


def test_support_finds_a_customer_by_a_licence_address_and_sees_as_they_do(
    page: Page, journey: Journey, shop: LiveShop, script: bool,
    check_accessibility: Callable[[], None],
) -> None:  # fmt: skip
    say, nic = journey.say, _with_a_licence(page, journey, shop)
    address = _address_of_licence(page)
    page.context.clear_cookies()
    desk.sign_in(page, shop, "support", journey.language)
    if script:
        page.goto("/desk/offers")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("/desk/offers/business"))
    page.goto("/desk/today")
    check_accessibility()
    expect(page.locator("#new_customers-title")).to_be_visible()
    box = page.get_by_role("searchbox")
    if script:
        page.keyboard.press("/")
        expect(box).to_be_focused()
        page.keyboard.type(address)
        page.keyboard.press("Enter")
    else:
        box.fill(address.upper())
        journey.button("Rechercher", "Search").click()
    expect(page).to_have_url(re.compile(f"/desk/customers/{nic}"))
    check_accessibility()

    page.get_by_role("link", name=say("Chronologie", "Time line"), exact=True).click()
    line = page.get_by_role("table", name=say("Chronologie", "Time line"))
    done = line.get_by_role("row").filter(has_text=address).filter(has_text=nic)
    expect(done.first).to_be_visible()
    check_accessibility()
    if script:
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        # The newest entry may lead nowhere: how far the licence is by now decides.
        links = page.get_by_role("main").locator("tbody tr").get_by_role("link")
        expect(links.first).to_be_focused()

    page.get_by_role("link", name=say("Vue d’ensemble", "Overview"), exact=True).click()
    journey.link("Voir comme ce client", "See as this customer").click()
    journey.field("Motif", "Reason").fill("Does not find the licence")
    journey.button("Poursuivre", "Continue").click()
    journey.button("Voir comme ce client", "See as this customer").click()
    name = say("Voir comme ce client", "See as this customer")
    banner = page.get_by_role("complementary", name=name)
    expect(banner).to_contain_text(nic)
    check_accessibility()
    page.goto("/manager/account/profile")
    journey.field("Ville", "City").fill("Elsewhere")
    journey.button("Enregistrer", "Save").click()
    refused = say("rien ne peut être modifié", "nothing can be changed")
    expect(page.locator("main")).to_contain_text(refused)
    journey.button("Retour au service client", "Back to the desk").click()
    expect(page).to_have_url(f"{shop.url}/desk/customers/{nic}")
    expect(page.locator("main")).to_contain_text("Does not find the licence")
    expect(page.locator("main")).not_to_contain_text("Elsewhere")
    page.goto("/manager/web")
    expect(page).to_have_url(re.compile("/login"))


def _with_a_licence(page: Page, journey: Journey, shop: LiveShop) -> str:
    """Open the group of a new customer with one configured licence; return the nic-handle."""
    customer = shop.new_customer(journey.language, licences=2)
    group = by_http.open_group(page, customer)
    by_http.submit(
        page, f"{group}/seats/1/configuration",
        first_name="Élise", last_name="Garnier", login="elise.garnier",
    )  # fmt: skip
    page.reload()
    return customer.nic_handle


def _address_of_licence(page: Page) -> str:
    found = re.search(r"elise\.garnier@[\w.-]+", page.locator("#seat-1").inner_text())
    assert found
    return found.group()
