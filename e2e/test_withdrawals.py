"""« Se rétracter » in a browser: from licences added to a group, and from the whole service."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from e2e import by_http
from e2e.journey import Journey
from e2e.live import LiveShop

Check = Callable[[], None]


def test_a_consumer_withdraws_from_licences_added_and_then_from_the_service(
    page: Page, journey: Journey, shop: LiveShop, check_accessibility: Check
) -> None:
    say, main = journey.say, page.locator("main")
    group = by_http.open_group(page, shop.new_customer(journey.language, licences=3))
    name = group.rsplit("/", 1)[-1]
    page.goto(f"/manager/order/office?group={name}&quantity=2")
    journey.button("Poursuivre", "Continue").click()
    page.get_by_role("checkbox").check()
    journey.button("Générer le bon de commande", "Generate the purchase order").click()
    journey.pay(by_card=None)
    journey.expect_delivered()

    journey.link("Se rétracter", "Withdraw").click()
    expect(main).to_contain_text(say("2 licences de «", "2 licences of “"))
    expect(main).to_contain_text(say("n° 4–5", "no. 4–5"))
    check_accessibility()
    journey.link("Choisir d’autres licences", "Choose other licences").click()
    for number, is_ticked in ((5, False), (1, True)):
        page.locator(f"#licence-{number}").set_checked(is_ticked)
    check_accessibility()
    journey.button("Poursuivre", "Continue").click()
    expect(main).to_contain_text(say("n° 1, 4", "no. 1, 4"))
    journey.button("Confirmer la rétractation", "Confirm the withdrawal").click()
    expect(page.locator(".error-summary")).to_be_visible()
    page.get_by_role("checkbox").check()
    journey.button("Confirmer la rétractation", "Confirm the withdrawal").click()
    expect(page.locator("#order-status .badge").first).to_have_text(say("Rétractée", "Withdrawn"))
    expect(main).to_contain_text(say("Vous vous êtes rétracté de cette", "You withdrew"))
    check_accessibility()
    page.goto(group)
    by_http.look_again_until(page, lambda: page.locator("#seats tbody tr").count() == 3)

    page.goto(f"/manager/services/{name}")
    expect(journey.link("Se rétracter de cette commande", "from this order")).to_have_count(0)
    journey.link("Se rétracter", "Withdraw").click()
    expect(main).to_contain_text(say("Office des 3 licences", "of all 3 licences"))
    page.get_by_role("checkbox").check()
    journey.button("Confirmer la rétractation", "Confirm the withdrawal").click()
    expect(main).to_contain_text(say("Ce service est terminé", "This service has ended"))
    page.goto("/manager/account/bills")
    by_http.see(page, main.get_by_role("link", name=re.compile("^AV")), 2)
    check_accessibility()
    journey.open_letter("rétractation de la commande", "withdrawal from order")
    expect(page.frame_locator("iframe").locator("body")).to_contain_text(
        say("Rétracté le", "Withdrawn on")
    )
    check_accessibility()
