"""The history of a licence group in a browser."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from e2e import by_http
from e2e.journey import Journey
from e2e.live import LiveShop
from e2e.test_seats import expect_status, fill_holder, open_act

Check = Callable[[], None]


def test_the_history_tells_who_configured_a_licence(
    page: Page, journey: Journey, shop: LiveShop, check_accessibility: Check
) -> None:
    customer = shop.new_customer(journey.language, licences=2)
    by_http.open_group(page, customer)
    open_act(page, journey, "Configurer", "Configure")
    fill_holder(journey, "Zoé", "Moreau", "zoe")
    expect_status(page, journey, "Créé", "Created")
    journey.link("Historique", "History").click()
    newest = page.get_by_role("row").nth(1)
    expect(newest).to_contain_text(journey.say("Licence configurée", "Licence configured"))
    expect(newest).to_contain_text("Zoé Moreau (zoe)")
    expect(newest).to_contain_text(customer.nic_handle)
    installed = page.get_by_text(journey.say("Service installé", "Service installed"))
    expect(installed).to_be_visible()
    check_accessibility()
    journey.link("Personnes", "People").click()
    expect(installed).to_have_count(0)
    journey.link("Licence 1", "Licence 1").click()
    expect(newest).to_contain_text("Zoé Moreau (zoe)")
    check_accessibility()
