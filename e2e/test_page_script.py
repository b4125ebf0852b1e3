"""What JavaScript adds to the pages; every journey also works without it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from e2e.live import Customer

Say = Callable[[str, str], str]

WATCH_THE_BUTTON = """
() => {
  const button = document.querySelector("main form button[type=submit]");
  addEventListener("submit", () => {
    // The first one is sent; the second of a double click finds the button busy.
    sessionStorage.atSubmission ??= String(button.getAttribute("aria-busy"));
  }, true);
  new MutationObserver(() => {
    sessionStorage.afterwards = `${button.getAttribute("aria-busy")}, ${button.disabled}`;
  }).observe(button, { attributes: true });
}
"""


@pytest.mark.only(script=True)
def test_the_total_follows_while_typing(page: Page, language: str, say: Say) -> None:
    page.goto(f"/{language}/order")
    field = page.get_by_label(say("Licences Office 365 Business", "Office 365 Business licences"))
    field.fill("5")
    expect(page.locator("#totals")).to_contain_text(say("52,80\u00a0€", "€52.80"))
    expect(field).to_be_focused()


@pytest.mark.only(script=True)
def test_a_number_that_cannot_be_ordered_is_refused_while_typing(
    page: Page, language: str, say: Say, check_accessibility: Callable[[], None]
) -> None:
    page.goto(f"/{language}/order")
    field = page.get_by_label(say("Licences Office 365 Business", "Office 365 Business licences"))
    field.fill("301")
    expect(page.locator("#business-error")).to_contain_text("300")
    expect(field).to_have_attribute("aria-invalid", "true")
    check_accessibility()
    field.fill("300")
    expect(page.locator("#business-error")).to_be_empty()
    expect(field).not_to_have_attribute("aria-invalid", "true")


@pytest.mark.only(language="fr", size="desktop", script=True)
def test_the_buttons_beside_a_number_count_within_its_limits(page: Page) -> None:
    page.goto("/fr/order")
    field = page.get_by_label("Licences Office 365 Business")
    page.get_by_role("button", name="Une de plus : Licences Office 365 Business").click()
    expect(field).to_have_value("1")
    expect(page.locator("#totals")).to_contain_text("10,56\u00a0€")
    fewer = page.get_by_role("button", name="Une de moins : Licences Office 365 Business")
    fewer.click()
    fewer.click()
    expect(field).to_have_value("0")


@pytest.mark.only(language="fr", script=True)
def test_a_fault_shows_its_reference_number_until_a_request_succeeds(page: Page) -> None:
    faults = {"left": 1}

    def answer(route: Route) -> None:
        if faults["left"]:
            faults["left"] -= 1
            route.fulfill(status=500, headers={"X-Reference": "7F3A91C2"}, body="")
        else:
            route.fallback()

    page.route("**/order/totals?*", answer)
    page.goto("/fr/order")
    field = page.get_by_label("Licences Office 365 Pro Plus")
    field.fill("2")
    expect(page.get_by_role("alert")).to_contain_text("Numéro de référence : 7F3A91C2")
    expect(page.locator("#totals")).to_contain_text("Choisissez vos licences")
    field.fill("3")
    expect(page.locator("#totals")).to_contain_text("46,44\u00a0€")
    expect(page.locator("#failure")).to_be_empty()


@pytest.mark.only(language="fr", size="desktop", script=True)
def test_a_button_shows_progress_only_after_its_form_is_sent_and_sends_it_once(page: Page) -> None:
    sent = []
    page.on("request", lambda request: sent.append(request.method))
    page.goto("/login")
    page.evaluate(WATCH_THE_BUTTON)
    page.get_by_label("Mot de passe", exact=True).fill("wrong")
    page.get_by_role("button", name="Se connecter", exact=True).dblclick()
    expect(page.locator(".error-summary")).to_be_focused()
    assert sent.count("POST") == 1
    assert page.evaluate("sessionStorage.atSubmission") == "null"
    assert page.evaluate("sessionStorage.afterwards") == "true, false"


@pytest.mark.only(script=True)
def test_the_account_menu_answers_to_the_keyboard(
    page: Page, customer: Customer, say: Say, check_accessibility: Callable[[], None]
) -> None:
    page.goto("/login")
    page.get_by_label(say("Identifiant client", "Customer ID")).fill(customer.nic_handle)
    page.get_by_label(say("Mot de passe", "Password"), exact=True).fill(customer.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/manager/web")
    letters = page.get_by_role("link", name=say("Emails reçus", "Emails received"))
    page.locator("summary", has_text=customer.nic_handle).focus()
    page.keyboard.press("ArrowDown")
    expect(letters).to_be_visible()
    check_accessibility()
    page.keyboard.press("Escape")
    expect(letters).to_be_hidden()
    expect(page.locator("summary", has_text=customer.nic_handle)).to_be_focused()
    page.keyboard.press("Enter")
    expect(letters).to_be_visible()
    page.locator("footer").click()
    expect(letters).to_be_hidden()


@pytest.mark.only(script=True)
def test_a_field_says_what_is_wrong_when_it_is_left_and_no_longer_once_it_is_right(
    page: Page, language: str, say: Say, check_accessibility: Callable[[], None]
) -> None:
    page.goto(f"/{language}/order/account")
    field = page.get_by_label(say("Adresse e-mail", "Email address"), exact=True)
    mistake = page.locator("#email-error")
    field.fill("zoe@example")
    field.press("Tab")
    expect(mistake).to_be_visible()
    expect(field).to_have_attribute("aria-describedby", "email-hint email-error")
    expect(page.get_by_label(say("Mot de passe", "Password"), exact=True)).to_be_focused()
    check_accessibility()
    field.fill("zoe@example.com")
    expect(mistake).to_be_hidden()
    expect(field).to_be_focused()
    expect(field).to_have_value("zoe@example.com")
