"""« Mon compte » in a browser: profile, second step, passkeys, sessions, data, usage."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from e2e import by_http
from e2e.conftest import LOCALES
from e2e.live import Customer, LiveShop
from e2e.virtual_device import VirtualDevice

Say = Callable[[str, str], str]
Check = Callable[[], None]


class Area:
    """The customer area, used by visible names."""

    def __init__(self, page: Page, say: Say, customer: Customer) -> None:
        self.page, self.say, self.customer = page, say, customer

    def button(self, french: str, english: str) -> Locator:
        return self.page.get_by_role("button", name=self.say(french, english), exact=True)

    def link(self, french: str, english: str) -> Locator:
        return self.page.get_by_role("link", name=self.say(french, english), exact=True)

    def field(self, french: str, english: str) -> Locator:
        return self.page.get_by_label(self.say(french, english), exact=True)

    def heading(self, french: str, english: str) -> Locator:
        return self.page.get_by_role("heading", name=self.say(french, english), exact=True, level=1)

    def type_password(self) -> None:
        self.field("Identifiant client (nic-handle)", "Customer ID (nic-handle)").fill(
            self.customer.nic_handle
        )
        self.field("Mot de passe", "Password").fill(self.customer.password)
        self.button("Se connecter", "Log in").click()

    def log_in(self) -> None:
        self.page.goto("/login")
        self.type_password()
        expect(self.page).to_have_url("/manager/web")

    def be_logged_in(self) -> None:
        """Log in over HTTP, in tests that are not about logging in."""
        by_http.sign_in(self.page, self.customer)

    def log_out(self) -> None:
        self.page.context.clear_cookies()

    def set_application_up(self) -> pyotp.TOTP:
        """Set up an authenticator application as the page says, with its current code."""
        self.page.goto("/manager/account/authenticator")
        secret = self.page.locator(".copyable-value").inner_text().replace(" ", "")
        application = pyotp.TOTP(secret)
        self.field("Code", "Code").fill(application.now())
        self.button("Activer", "Switch on").click()
        expect(self.heading("Codes de secours", "Recovery codes")).to_be_visible()
        return application

    def type_next_code(self, application: pyotp.TOTP) -> None:
        """Type the code after the current one: it is valid already, and not used yet."""
        following = datetime.now(UTC) + timedelta(seconds=application.interval)
        self.field("Code", "Code").fill(application.at(following))


@pytest.fixture
def area(page: Page, say: Say, customer: Customer) -> Area:
    return Area(page, say, customer)


def test_every_page_of_the_account_can_be_used_by_everybody(
    area: Area, page: Page, script: bool, check_accessibility: Check
) -> None:
    area.be_logged_in()
    for path in (
        "account", "account/profile", "account/email-address", "account/security",
        "account/password", "account/sessions", "account/activity", "account/data",
        "account/authenticator", "account/passkeys/new",
    ):  # fmt: skip
        page.goto(f"/manager/{path}")
        check_accessibility()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    if script:
        page.context.grant_permissions(["clipboard-write"])
        page.goto("/manager/account/authenticator")
        page.get_by_role("button", name=area.say("Copier", "Copy")).first.click()
        expect(page.locator(".said-beside")).to_have_text(area.say("Copié", "Copied"))


def test_the_address_is_changed(area: Area, page: Page, check_accessibility: Check) -> None:
    area.be_logged_in()
    page.goto("/manager/account")
    area.link("Modifier", "Edit").click()
    area.field("Ville", "City").fill("")
    area.button("Enregistrer", "Save").click()
    expect(page.get_by_role("alert").filter(has_text=area.say("Ville", "City"))).to_be_visible()
    check_accessibility()
    area.field("Ville", "City").fill("Nantes")
    area.button("Enregistrer", "Save").click()
    expect(page).to_have_url("/manager/account")
    expect(page.locator("main")).to_contain_text("Nantes")


def test_the_language_follows_at_once(area: Area, page: Page, language: str) -> None:
    area.be_logged_in()
    page.goto("/manager/account/sessions")
    other = "English (EN)" if language == "fr" else "Français (FR)"
    page.get_by_role("button", name=other, exact=True).click()
    expect(page).to_have_url("/manager/account/sessions")
    expect(page.locator("html")).to_have_attribute("lang", "en" if language == "fr" else "fr")


def test_what_was_typed_survives_the_other_language(area: Area, page: Page, language: str) -> None:
    area.be_logged_in()
    page.goto("/manager/account/profile")
    area.field("Ville", "City").fill("Nantes")
    other = "English (EN)" if language == "fr" else "Français (FR)"
    page.get_by_role("button", name=other, exact=True).click()
    expect(page).to_have_url("/manager/account/profile")
    expect(page.locator("html")).to_have_attribute("lang", "en" if language == "fr" else "fr")
    expect(page.locator("[name=city]")).to_have_value("Nantes")


def test_an_application_guards_the_account(
    area: Area, page: Page, check_accessibility: Check
) -> None:
    area.be_logged_in()
    application = area.set_application_up()
    check_accessibility()
    code = page.locator(".codes code").first.inner_text()
    area.log_out()
    page.goto("/manager/account/security")
    area.type_password()
    expect(area.heading("Deuxième étape", "Second step")).to_be_visible()
    check_accessibility()
    area.field("Code", "Code").fill("000000")
    area.button("Valider", "Confirm").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    check_accessibility()
    area.type_next_code(application)
    area.button("Valider", "Confirm").click()
    expect(page).to_have_url("/manager/account/security")
    check_accessibility()
    area.log_out()
    page.goto("/login")
    area.type_password()
    area.field("Code", "Code").fill(code)
    area.button("Valider", "Confirm").click()
    expect(page).to_have_url("/manager/web")


def test_the_basket_survives_the_second_step(area: Area, page: Page, language: str) -> None:
    area.be_logged_in()
    application = area.set_application_up()
    area.log_out()
    page.goto(f"/{language}/order")
    area.field("Licences Office 365 Business", "Office 365 Business licences").fill("7")
    area.button("Commander", "Order").click()
    area.button("Poursuivre", "Continue").click()
    area.type_password()
    area.type_next_code(application)
    area.button("Valider", "Confirm").click()
    expect(area.button("Confirmer et Payer", "Confirm and Pay")).to_be_visible()
    expect(page.locator("main")).to_contain_text("7")
    assert "business=7" in page.url


@pytest.mark.only(script=True)
def test_a_passkey_is_added_and_signs_in(
    area: Area, page: Page, authenticator: VirtualDevice, check_accessibility: Check
) -> None:
    area.be_logged_in()
    page.goto("/manager/account/passkeys/new")
    area.field("Nom de la clé d’accès", "Name of the passkey").fill("Portable")
    area.button("Ajouter la clé d’accès", "Add the passkey").click()
    expect(area.heading("Codes de secours", "Recovery codes")).to_be_visible()
    area.log_out()
    page.goto("/login")
    check_accessibility()
    area.button("Se connecter avec une clé d’accès", "Log in with a passkey").click()
    expect(page).to_have_url("/manager/web")
    area.log_out()
    page.goto("/login")
    area.type_password()
    area.button("Utiliser une clé d’accès", "Use a passkey").click()
    expect(page).to_have_url("/manager/web")
    page.goto("/manager/account/security")
    expect(page.locator("main")).to_contain_text("Portable")
    page.get_by_role("button", name="Portable").click()
    expect(page.locator("main")).not_to_contain_text("Portable")


def _impatient(route: Route) -> None:
    """Set the shortest time-out for a device that a browser allows: a minute is too long here."""
    answer = route.fetch()
    route.fulfill(response=answer, json=answer.json() | {"timeout": 1000})


@pytest.mark.only(script=True, size="desktop")
def test_a_device_that_does_not_answer_leaves_other_ways(area: Area, page: Page) -> None:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    page.route("**/login/passkey-options", _impatient)
    page.goto("/login")
    area.button("Se connecter avec une clé d’accès", "Log in with a passkey").click()
    expect(page.locator(".passkey-error")).to_contain_text(
        area.say("Votre appareil n’a pas répondu.", "Your device gave no answer.")
    )
    area.type_password()
    expect(page).to_have_url("/manager/web")


@pytest.mark.only(script=True, size="desktop")
def test_at_another_address_a_passkey_is_not_asked_for_and_a_link_leads_to_the_shops_own(
    browser: Browser, shop: LiveShop, language: str, area: Area
) -> None:
    elsewhere = shop.url.replace("localhost", "127.0.0.1")
    with browser.new_context(locale=LOCALES[language]) as context:
        page = context.new_page()
        page.goto(f"{elsewhere}/login?next=/manager/account/bills")
        name = area.say("Se connecter avec une clé d’accès", "Log in with a passkey")
        page.get_by_role("button", name=name, exact=True).click()
        said = page.locator(".passkey-error")
        expect(said).to_contain_text(
            area.say(
                "Les clés d’accès ne fonctionnent qu’à l’adresse de la boutique.",
                "Passkeys work at the shop’s own address only.",
            )
        )
        expect(said.get_by_role("link")).to_have_attribute(
            "href", f"{shop.url}/login?next=/manager/account/bills"
        )
        said.get_by_role("link").click()
        expect(page).to_have_url(f"{shop.url}/login?next=/manager/account/bills")


def test_another_session_is_ended(area: Area, page: Page) -> None:
    area.log_in()
    area.log_out()
    area.log_in()
    page.goto("/manager/account/sessions")
    expect(page.locator("tbody tr")).to_have_count(2)
    area.button("Fermer toutes les autres", "End all others").click()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_all_data_can_be_taken_along(
    area: Area, page: Page, script: bool, check_accessibility: Check
) -> None:
    area.be_logged_in()
    page.goto("/manager/account/data")
    area.button("Demander une copie", "Ask for a copy").click()
    download = area.link("Télécharger", "Download")
    expect(page.locator("#exports tbody tr")).to_have_count(1)
    if not script:
        by_http.see(page, download)
    expect(download).to_be_visible()
    check_accessibility()
    with page.expect_download() as taken:
        download.click()
    with zipfile.ZipFile(taken.value.path()) as archive:
        assert "account.json" in archive.namelist()
        assert area.customer.email in archive.read("account.json").decode()


@pytest.mark.only(script=True, size="desktop")
def test_the_password_is_changed_with_the_keyboard_alone(area: Area, page: Page) -> None:
    area.be_logged_in()
    page.goto("/manager/account/password")
    area.field("Mot de passe actuel", "Current password").focus()
    for typed in (area.customer.password, "Tout-Nouveau-8", "Tout-Nouveau-8"):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")  # the button that shows the password
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url("/manager/account/security")
    area.log_out()
    page.goto("/login")
    area.type_password()
    expect(page.get_by_role("alert").first).to_be_visible()


def test_a_customer_closes_the_account(area: Area, page: Page, check_accessibility: Check) -> None:
    area.be_logged_in()
    page.goto("/manager/account")
    area.link("Fermer mon compte", "Close my account").click()
    expect(area.heading("Fermer mon compte", "Close my account")).to_be_visible()
    kept = area.say("pendant dix ans", "for ten years")
    expect(page.get_by_role("region").filter(has_text=kept)).to_be_visible()
    check_accessibility()
    area.field("Mot de passe actuel", "Current password").fill(area.customer.password)
    page.get_by_label(
        area.say("Je comprends que c’est irréversible", "I understand that this cannot be undone")
    ).check()
    area.button("Fermer mon compte définitivement", "Close my account for good").click()
    expect(page).to_have_url("/login")
    expect(
        page.get_by_text(area.say("Votre compte est fermé", "Your account is closed"))
    ).to_be_visible()
    area.type_password()
    closed = area.say("Ce compte est fermé", "This account is closed")
    expect(page.get_by_text(closed).first).to_be_visible()
