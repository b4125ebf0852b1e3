"""What the bank pays out, as the accountant would tell it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from e2e import by_http, desk
from e2e.journey import Journey
from e2e.live import LiveShop

Check = Callable[[], None]


@pytest.mark.only(language="fr", size="phone", script=False)
def test_a_payment_by_card_is_followed_to_the_payout_that_brings_it(
    page: Page, journey: Journey, shop: LiveShop, check_accessibility: Check
) -> None:
    customer = shop.new_customer("fr")
    number = by_http.order(page, "fr", customer)
    journey.pay()
    journey.expect_delivered()
    shop.advance_clock(timedelta(days=4))

    # The worker asks the bank every hour; the accountant finds the payout of the day.
    desk.sign_in(page, shop, "auditor", "fr")
    page.goto("/desk/accounting")
    check_accessibility()
    page.get_by_role("link", name="Versements de la banque", exact=True).click()
    rows = page.get_by_role("row").filter(has=page.get_by_role("link"))
    matched = rows.filter(has_text="Arrivé")
    by_http.see(page, matched)
    check_accessibility()
    matched.first.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Versement du")
    line = page.get_by_role("row").filter(has_text=number)
    expect(line).to_contain_text("Rapprochée")
    check_accessibility()

    # From the line to the order, and from the order back.
    line.get_by_role("link", name=number).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(number)
    page.get_by_role("link", name="versement du").first.click()
    expect(page.get_by_role("row").filter(has_text=number)).to_be_visible()
