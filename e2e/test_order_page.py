"""The order page on a phone: what is in sight, and numbers of one press."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.journey import Journey

Say = Callable[[str, str], str]

SMALLEST = {"width": 320, "height": 568}

IN_SIGHT = """
(element) => {
  const box = element.getBoundingClientRect();
  return box.top >= 0 && box.bottom <= innerHeight;
}
"""
COVERED = """
(element) => {
  const bar = document.querySelector(".order-bar");
  if (bar.contains(element) || element.contains(bar)) return false;
  const [box, over] = [element.getBoundingClientRect(), bar.getBoundingClientRect()];
  return box.bottom > over.top && box.top < over.bottom;
}
"""


def _business(page: Page, say: Say) -> Locator:
    label = say("Licences Office 365 Business", "Office 365 Business licences")
    return page.get_by_label(label, exact=True)


def _pick(page: Page, offer: str, number: int) -> Locator:
    group = page.get_by_role("group", name=offer)
    return group.get_by_role("button", name=str(number), exact=True)


@pytest.mark.only(size="phone")
def test_the_first_field_the_total_and_the_button_are_in_sight_on_the_smallest_phone(
    page: Page, language: str, say: Say
) -> None:
    page.set_viewport_size(SMALLEST)
    page.goto(f"/{language}/order?offer=business")
    order = page.get_by_role("button", name=say("Commander", "Order"), exact=True)
    total = page.locator("#bar-total")
    field = _business(page, say)
    assert field.evaluate(IN_SIGHT)
    assert not field.evaluate(COVERED)
    for _ in range(6):
        assert order.evaluate(IN_SIGHT)
        assert total.evaluate(IN_SIGHT)
        expect(total).to_contain_text(say("10,56\u00a0€", "€10.56"))
        if not page.locator("#pro_plus").evaluate(IN_SIGHT):
            page.mouse.wheel(0, 120)


@pytest.mark.only(size="phone", script=True)
@pytest.mark.parametrize("keys", ["Tab", "Shift+Tab"])
def test_what_has_the_focus_is_not_behind_the_bar(page: Page, language: str, keys: str) -> None:
    page.set_viewport_size(SMALLEST)
    page.goto(f"/{language}/order?business=3&pro_plus=2")
    if keys == "Shift+Tab":
        page.get_by_role("contentinfo").get_by_role("link").first.focus()
    seen = set()
    for _ in range(40):
        page.keyboard.press(keys)
        where = page.evaluate_handle("document.activeElement").as_element()
        assert where is not None
        name = where.evaluate("(element) => element.id || element.value || element.className")
        seen.add(name)
        assert not where.evaluate(COVERED), name
    assert {"business", "pro_plus", "pro_plus-25"} <= seen


@pytest.mark.only(size="phone", script=True)
def test_on_a_screen_that_is_too_low_the_bar_takes_no_room(page: Page, language: str) -> None:
    """A phone held across, or a page enlarged to 400 %."""
    page.set_viewport_size({"width": 568, "height": 320})
    page.goto(f"/{language}/order?business=3")
    assert not page.locator(".order-bar").evaluate(IN_SIGHT)


def test_a_usual_number_takes_one_press(
    page: Page,
    language: str,
    script: bool,
    say: Say,
    journey: Journey,
    check_accessibility: Callable[[], None],
) -> None:
    page.goto(f"/{language}/order?offer=business")
    page.locator("#pro_plus").fill("2")
    _pick(page, "Office 365 Business", 25).click()
    expect(_business(page, say)).to_have_value("25")
    expect(page.locator("#pro_plus")).to_have_value("2")
    for number in (1, 5, 10, 25):
        pressed = "true" if number == 25 else "false"
        expect(_pick(page, "Office 365 Business", number)).to_have_attribute(
            "aria-pressed", pressed
        )
    expect(page.locator("#totals")).to_contain_text(say("294,96\u00a0€", "€294.96"))
    expect(page.locator("#bar-total")).to_contain_text(say("294,96\u00a0€", "€294.96"))
    if script:
        _business(page, say).fill("7")
        expect(_pick(page, "Office 365 Business", 25)).to_have_attribute("aria-pressed", "false")
        expect(page.locator("#bar-total")).to_contain_text(say("104,88\u00a0€", "€104.88"))
    check_accessibility()
    journey.button("Commander", "Order").click()
    expect(page).to_have_url(re.compile("/order/summary"))


@pytest.mark.only(language="fr", size="phone", script=True)
def test_enter_in_a_field_orders_and_presses_no_usual_number(page: Page, say: Say) -> None:
    page.goto("/fr/order?offer=business")
    _business(page, say).fill("3")
    _business(page, say).press("Enter")
    expect(page).to_have_url(re.compile(r"/order/summary\?.*business=3\b"))


# --- For a business or as a private person ---------------------------------------------------


def test_a_private_person_is_asked_for_no_numbers_and_loses_none(
    page: Page,
    language: str,
    say: Say,
    journey: Journey,
    check_accessibility: Callable[[], None],
) -> None:
    """The style sheet hides them: it works without JavaScript, too."""
    page.goto(f"/{language}/order/account?business=1")
    company = [journey.field(*labels) for labels in COMPANY]
    for field in company:
        field.fill("Atelier")
    private = journey.field("À titre privé", "As a private person")
    private.check()
    for field in company:
        expect(field).to_be_hidden()
    check_accessibility()
    other = "English (EN)" if language == "fr" else "Français (FR)"
    page.get_by_role("button", name=other, exact=True).click()
    expect(page.locator("html")).not_to_have_attribute("lang", language)
    expect(page.locator("[name=kind][value=private]")).to_be_checked()
    page.locator("[name=kind][value=business]").check()
    for name in ("company", "siren", "vat_number"):
        expect(page.locator(f"#{name}")).to_have_value("Atelier")


COMPANY = (("Société", "Company"), ("SIREN", "SIREN"), ("Numéro de TVA", "VAT number"))


@pytest.mark.only(size="phone")
def test_new_visitors_are_met_first(page: Page, language: str, say: Say) -> None:
    page.goto(f"/{language}/order/identification?business=1")
    new = page.get_by_role("link", name=say("Créez un compte", "Create an account"), exact=True)
    known = page.get_by_role("button", name=say("Se connecter", "Log in"), exact=True)
    upper, lower = new.bounding_box(), known.bounding_box()
    assert upper is not None
    assert lower is not None
    assert upper["y"] < lower["y"]
    assert new.evaluate(IN_SIGHT)
