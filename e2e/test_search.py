"""A customer finds anything of theirs from any page: by keyboard, on a phone, without script."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from e2e import by_http
from e2e.journey import Journey
from e2e.live import LiveShop

SEARCH = re.compile("/manager/search")


@pytest.fixture
def group(page: Page, shop: LiveShop, journey: Journey) -> str:
    """The address of the group of a customer with two users."""
    found = by_http.open_group(page, shop.new_customer(journey.language, licences=3))
    for number, (first, last) in enumerate((("Élise", "Garnier"), ("Marc", "Garnier")), start=1):
        by_http.submit(
            page, f"{found}/seats/{number}/configuration",
            first_name=first, last_name=last, login=f"{first[-3:]}.garnier",
        )  # fmt: skip
    return found


def test_a_user_and_an_order_are_found_from_any_page(
    page: Page, journey: Journey, group: str,
    check_accessibility: Callable[[], None],
) -> None:  # fmt: skip
    say = journey.say
    page.goto("/manager/web")
    label = say("Nom, adresse, numéro, objet", "Name, address, number, subject")
    field = page.get_by_role("searchbox", name=label)
    if not field.is_visible():
        journey.link("Rechercher partout", "Search everywhere").click()
        expect(page).to_have_url(SEARCH)
        helped = say("Ce que vous pouvez chercher", "What can be searched")
        expect(page.get_by_text(helped)).to_be_visible()
        check_accessibility()
    field.fill("GARNIER")
    field.press("Enter")
    expect(page).to_have_url(re.compile("q=GARNIER"))
    main = page.locator("main")
    expect(main.get_by_role("heading", name=say("Utilisateurs", "Users"))).to_be_visible()
    expect(main.get_by_role("link", name=re.compile("Garnier"))).to_have_count(2)
    check_accessibility()
    main.get_by_role("link", name="Élise Garnier").click()
    expect(page.locator(".table-seats tbody tr")).to_have_count(1)
    page.goto("/manager/account/orders")
    number = page.locator("main tbody").get_by_role("link").first.inner_text()
    page.goto(f"/manager/search?q={number[:5]}")
    name = say(f"Commande {number}", f"Order {number}")
    expect(main.get_by_role("link", name=name, exact=True)).to_be_visible()
    field.fill(number)
    field.press("Enter")
    expect(page).to_have_url(re.compile(f"/orders/{number}"))
    page.goto("/manager/search?q=zzz")
    expect(main).to_contain_text(say("Rien trouvé pour", "Nothing found for"))
    check_accessibility()


@pytest.mark.only(size="desktop", script=True)
def test_suggestions_follow_what_is_typed_and_the_keyboard_goes_through_them(
    page: Page, journey: Journey, group: str, check_accessibility: Callable[[], None]
) -> None:
    say = journey.say
    page.goto("/manager/account/emails")
    page.keyboard.press("Control+k")
    field = page.locator("#search-everywhere")
    expect(field).to_be_focused()
    page.keyboard.type("garn")
    found = page.locator("#search-suggestions")
    expect(found.get_by_role("link", name=re.compile("Garnier"))).to_have_count(2)
    # Two users, and the e-mails about them that have been written by now.
    number = found.locator("[data-announced]").inner_text().strip()
    assert re.search(say("^[234]\u00a0résultats", "^[234] results"), number)
    expect(page.locator("#announcements")).to_have_text(number)
    check_accessibility()
    page.keyboard.press("ArrowDown")
    expect(found.get_by_role("link").first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(found).to_be_hidden()
    expect(field).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(found).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/manager/groups/.*q="))
    page.keyboard.press("Meta+k")
    page.keyboard.type("zzz")
    expect(found).to_contain_text(say("Rien trouvé pour", "Nothing found for"))
    page.locator("main").click(position={"x": 900, "y": 5})
    expect(found).to_be_hidden()
