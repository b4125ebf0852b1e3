"""A licence that nobody uses, in a browser: seen with its price, released and given back.

The clock is moved on by a month, so the test has its own shop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from e2e import by_http, live
from e2e.journey import Journey
from e2e.test_seats import expect_status, fill_holder, open_act

Check = Callable[[], None]


@pytest.fixture(scope="session")
def shop(
    new_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[live.LiveShop]:
    """A shop for these tests only, since they move its clock on."""
    with live.running(new_database("unused"), tmp_path_factory.mktemp("unused")) as running:
        yield running


@pytest.mark.only(script=True)
def test_who_never_logs_in_is_named_and_their_licence_given_back(
    page: Page, journey: Journey, shop: live.LiveShop, check_accessibility: Check
) -> None:
    customer = shop.new_customer(journey.language, licences=3)
    url = by_http.open_group(page, customer)
    open_act(page, journey, "Configurer", "Configure")
    fill_holder(journey, "Zoé", "Moreau", "zoe")
    expect_status(page, journey, "Créé", "Created")
    shop.advance_clock(timedelta(days=31))
    # The session has ended with the days without use.
    by_http.sign_in(page, customer)
    page.goto("/manager/web")
    person = journey.link("1 personne ne s’est jamais connectée", "1 person has never logged in")
    by_http.see(page, person)
    person.click()
    page.wait_for_load_state()
    check_accessibility()
    expect(page.get_by_role("row").nth(1)).to_contain_text("Zoé Moreau")
    journey.link("Libérer et rendre Zoé Moreau", "Release and give back Zoé Moreau").click()
    page.wait_for_load_state()
    check_accessibility()
    journey.button("Libérer et rendre", "Release and give back").click()
    expect(page).to_have_url(url)
    told = journey.say("est retirée à Zoé Moreau", "is taken from Zoé Moreau")
    expect(page.get_by_text(told)).to_be_visible()
