"""A customer sees on the home what is to pay and what is to do, and does it from there.

These tests move the clock on by a month, so they have their own shop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from e2e import by_http, live
from e2e.journey import Journey


@pytest.fixture(scope="session")
def shop(
    new_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[live.LiveShop]:
    """A shop for these tests only, since they move its clock on."""
    with live.running(new_database("home"), tmp_path_factory.mktemp("home")) as running:
        yield running


def test_debts_are_seen_on_the_home_and_paid_from_it(
    page: Page, journey: Journey, shop: live.LiveShop, check_accessibility: Callable[[], None]
) -> None:
    say, main = journey.say, page.locator("main")
    customer = shop.new_customer(journey.language, licences=2)
    by_http.open_group(page, customer)
    page.goto("/manager/web")
    glance = main.get_by_role("region", name=say("En un coup d’œil", "At a glance"))
    expect(glance).to_contain_text(say("0 sur 2", "0 of 2"))
    expect(glance).to_contain_text(say("Toutes vos factures sont payées", "All your invoices are"))
    pay = journey.link("Régler une facture", "Pay an invoice")
    expect(pay, "nothing is to pay").to_have_count(0)
    check_accessibility()
    journey.link("Configurer une licence", "Configure a licence").click()
    expect(page.locator(".table-seats tbody tr")).to_have_count(2)

    shop.advance_clock(timedelta(days=33))
    by_http.sign_in(page, customer)
    page.goto("/manager/web")
    todo = main.get_by_role("region", name=say("À traiter", "Needs your attention"))
    unpaid = say("Un renouvellement n’est pas réglé", "A renewal is not paid")
    # The invoice comes first, and its reminder a moment later.
    by_http.see(page, todo.get_by_text(unpaid))
    expect(pay).to_be_visible()
    expect(glance).to_contain_text(say("1\u00a0facture impayée", "1 unpaid invoice"))
    expect(todo).to_contain_text(say("à régler avant le", "to pay before"))
    check_accessibility()
    acts = main.get_by_role("navigation", name=say("Actions rapides", "Quick actions"))
    expect(acts.get_by_role("link")).to_have_count(5)
    pay.click()
    expect(page).to_have_url(re.compile("/account/bills"))
    expect(main).to_contain_text(say("Impayée", "Unpaid"))
    page.goto("/manager/web")
    journey.link("Trouver une réponse", "Find an answer").click()
    expect(page).to_have_url(re.compile(f"/{journey.language}/help"))
