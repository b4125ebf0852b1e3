"""What a visitor is told before an order: who sells, what it costs, for how long."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from e2e.journey import Journey

Check = Callable[[], None]


def test_a_visitor_learns_who_sells_what_it_costs_and_how_it_ends(
    page: Page, journey: Journey, check_accessibility: Check
) -> None:
    say, main = journey.say, page.locator("main")
    footer = page.get_by_role("contentinfo")
    with_vat = re.compile(say(r"10,56\s€\s*TTC", r"€10\.56\s*incl\. VAT"))
    page.goto(f"/{journey.language}/")
    expect(main).to_contain_text(with_vat)
    page.goto(f"/{journey.language}/office-365-business")
    expect(main).to_contain_text(with_vat)
    for french, english in (
        ("Mentions légales", "Legal notice"),
        ("Conditions générales", "General terms"),
        ("Confidentialité", "Privacy"),
        ("Médiation", "Mediation"),
        ("Contact", "Contact"),
    ):
        footer.get_by_role("link", name=say(french, english)).click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(footer).to_be_visible()
    check_accessibility()

    journey.begin_at_offer()
    journey.choose(business=1)
    expect(main).to_contain_text(re.compile(say(r"10,56\s€", r"€10\.56")))
    journey.carry_on()
    journey.link("Créez un compte", "Create an account").click()
    expect(main).to_contain_text(say("vos droits", "your rights"))
    page.go_back()
    journey.create_account()
    expect(main).to_contain_text(say("Sans durée fixe", "No fixed term"))
    expect(main).to_contain_text(
        say("trois jours après l’échec de la livraison", "three days after the delivery failed")
    )
