"""What JavaScript adds to the pages; every journey also works without it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from e2e import by_http
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


def test_what_was_typed_survives_a_change_of_language(
    page: Page,
    language: str,
    script: bool,
    customer: Customer,
    check_accessibility: Callable[[], None],
) -> None:
    other, name = ("en", "English (EN)") if language == "fr" else ("fr", "Français (FR)")
    page.goto(f"/{language}/order")
    page.locator("#business").fill("5")
    page.locator("#pro_plus").fill("2")
    if script:
        expect(page).to_have_url(f"/{language}/order?business=5&pro_plus=2")
        page.reload()
        expect(page.locator("#business")).to_have_value("5")
        check_accessibility()
    page.get_by_role("button", name=name, exact=True).click()
    expect(page).to_have_url(re.compile(f"/{other}/order[?].*business=5&pro_plus=2"))
    expect(page.locator("#business")).to_have_value("5")
    page.locator("#pro_plus").press("Enter")
    expect(page).to_have_url(re.compile(f"/{other}/order/summary"))

    page.goto(f"/{language}/order/account")
    for field, value in (("first_name", "Zoé"), ("city", "Lille"), ("vat_number", "FR1")):
        page.locator(f"#{field}").fill(value)
    page.locator("#country").select_option("BE")
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.locator("html")).to_have_attribute("lang", other)
    for field, value in (("first_name", "Zoé"), ("city", "Lille"), ("country", "BE")):
        expect(page.locator(f"#{field}")).to_have_value(value)
    expect(page.locator(".field-error")).to_have_count(0)
    check_accessibility()

    if script:
        by_http.sign_in(page, customer)
        page.goto("/manager/account/profile")
        page.locator("#city").fill("Lille")
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.locator("html")).to_have_attribute("lang", other)
        expect(page.locator("#city")).to_have_value("Lille")


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


@pytest.mark.only(script=True)
def test_what_is_corrected_leaves_the_summary_of_errors(
    page: Page, language: str, say: Say, check_accessibility: Callable[[], None]
) -> None:
    summary = page.locator(".error-summary")
    page.goto(f"/{language}/order/account")
    page.get_by_role("button", name=say("Créer mon compte", "Create my account")).click()
    expect(summary.get_by_role("heading")).to_have_text(
        say("8 points sont à corriger", "Please correct 8 things")
    )
    page.get_by_label(say("Ville", "City"), exact=True).fill("Lille")
    page.get_by_label(say("Prénom", "First name"), exact=True).fill("Zoé")
    page.get_by_label(say("Adresse e-mail", "Email address"), exact=True).fill("zoe@example")
    page.get_by_label(say("Mot de passe", "Password"), exact=True).focus()
    expect(summary.get_by_role("heading")).to_have_text(
        say("6 points sont à corriger", "Please correct 6 things")
    )
    # What is corrected wrongly stays, with what is wrong now.
    expect(summary.locator("[href='#email']")).to_contain_text("@example.com")
    check_accessibility()

    page.goto(f"/{language}/order/summary?business=301&pro_plus=0")
    expect(summary).to_be_visible()
    page.get_by_label(say("Licences Office 365 Business", "Office 365 Business licences")).fill("3")
    expect(summary).to_have_count(0)

    # Nobody checks these fields before they are sent.
    page.goto("/login")
    page.get_by_role("button", name=say("Se connecter", "Log in"), exact=True).click()
    expect(summary).to_be_visible()
    page.get_by_label(say("Identifiant client", "Customer ID")).fill("zl12345-ovh")
    page.get_by_label(say("Mot de passe", "Password"), exact=True).focus()
    expect(summary.get_by_role("heading")).to_have_text(
        say("Un point est à corriger", "Please correct one thing")
    )
    page.get_by_label(say("Mot de passe", "Password"), exact=True).fill("Something-1")
    page.keyboard.press("Tab")
    expect(summary).to_have_count(0)
    expect(page.locator("[aria-invalid]")).to_have_count(0)
