"""Another version of a contract: published at the desk, announced, and accepted with an order.

The clock is moved on by more than a month, so the test has its own shop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e import by_http, desk, live
from e2e.journey import Journey
from shop.clock import day_of

Check = Callable[[], None]

CONDITIONS = ("Conditions particulières Office 365", "Office 365 special conditions")


@pytest.fixture(scope="session")
def shop(
    new_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[live.LiveShop]:
    """A shop for these tests only, since they move its clock on."""
    with live.running(new_database("contracts"), tmp_path_factory.mktemp("contracts")) as running:
        yield running


def test_a_version_is_published_announced_and_accepted_with_the_next_order(
    page: Page, journey: Journey, shop: live.LiveShop, check_accessibility: Check
) -> None:
    say, main = journey.say, page.locator("main")
    customer = shop.new_customer(journey.language, licences=1)
    by_http.open_group(page, customer)
    clause = f"Article {uuid4().hex[:8]}"

    # An administrator writes it in both languages.
    desk.sign_in(page, shop, "administrator", journey.language)
    page.goto("/desk/contracts")
    check_accessibility()
    section = page.get_by_role("region", name=say(*CONDITIONS))
    section.get_by_role("link", name=say("Nouvelle version", "New version")).click()
    heading = page.get_by_role("heading", level=1).inner_text()
    version = int(heading.rsplit(" ", 1)[-1])
    _add(journey.field("Texte en français (Markdown)", "Text in French (Markdown)"), f"{clause} fr")
    _add(journey.field("Texte en anglais (Markdown)", "Text in English (Markdown)"), f"{clause} en")
    applies_on = _today(shop) + timedelta(days=31)
    first_day = journey.field("S’applique à partir du", "Applies from the day")
    expect(first_day).to_have_value(str(applies_on))
    first_day.fill(str(applies_on - timedelta(days=1)))
    journey.field("Motif", "Reason").fill("Nouvelle offre")
    journey.button("Comparer", "Compare").click()
    expect(main).to_contain_text(say("30 jours avant", "30 days before"))
    text = journey.field("Texte en français (Markdown)", "Text in French (Markdown)")
    expect(text, "what was typed is kept").to_have_value(re.compile(f"{clause} fr"))
    check_accessibility()

    # What changed is shown in both languages before it is published.
    journey.field("S’applique à partir du", "Applies from the day").fill(str(applies_on))
    journey.button("Comparer", "Compare").click()
    expect(page.locator("ins")).to_have_count(2)
    expect(page.locator("ins").first).to_contain_text(clause)
    expect(page.locator("del")).to_have_count(0)
    check_accessibility()
    journey.button("Publier cette version", "Publish this version").click()
    expect(page).to_have_url(f"{shop.url}/desk/contracts")
    row = section.get_by_role("row").filter(has=page.get_by_role("link", name=str(version)))
    expect(row).to_contain_text(say("À venir", "To come"))
    section.get_by_role("link", name=str(version), exact=True).click()
    expect(main).to_contain_text(f"{clause} {journey.language}")
    check_accessibility()

    # Until its day, orders are placed under the version before.
    _go_to_contracts(journey)
    expect(_conditions(journey)).to_contain_text(f"Version {version - 1}")

    # The customer is told.
    shop.advance_clock(timedelta(days=1))
    by_http.sign_in(page, customer)
    journey.open_letter("Nouvelle version de", "New version of")
    expect(main).to_contain_text(say(*CONDITIONS))
    check_accessibility()
    page.goto(f"/{journey.language}/contracts/office_365_conditions/{version}")
    expect(main).to_contain_text(say("Cette version s’applique à partir du", "applies from"))
    expect(main).to_contain_text(f"{clause} {journey.language}")
    desk.sign_in(page, shop, "auditor", journey.language)
    page.goto("/desk/contracts")
    told = re.compile(say(r"\d+\sclients? informés?", r"\d+\scustomers? told"))
    expect(row).to_contain_text(told)

    # From its day on, the next order accepts it.
    shop.advance_clock(timedelta(days=31))
    by_http.sign_in(page, customer)
    _go_to_contracts(journey)
    conditions = _conditions(journey)
    expect(conditions).to_contain_text(f"Version {version}")
    conditions.locator("summary").click()
    expect(conditions.get_by_text(f"{clause} {journey.language}")).to_be_visible()
    check_accessibility()
    number = journey.confirm()
    desk.sign_in(page, shop, "support", journey.language)
    page.goto(f"/desk/orders/{number}")
    expect(main).to_contain_text(f"{say(*CONDITIONS)} ({version})")


def _today(shop: live.LiveShop) -> date:
    return day_of(datetime.fromtimestamp(shop.now(), UTC))


def _add(field: Locator, clause: str) -> None:
    """Add a clause to the end of the text in a field."""
    field.fill(f"{field.input_value()}\n\n{clause}")


def _go_to_contracts(journey: Journey) -> None:
    """Begin an order as the signed-in customer, up to the contracts."""
    journey.begin_at_offer()
    journey.choose(business=1)
    journey.carry_on()


def _conditions(journey: Journey) -> Locator:
    """Return the conditions that an order accepts, folded up or not."""
    return journey.page.locator("details").filter(has_text=journey.say(*CONDITIONS)).first
