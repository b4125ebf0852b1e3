"""Looking after a licence group, as customers tell it: from the first seat to the Office portal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.journey import Journey
from e2e.live import LiveShop

Check = Callable[[], None]


@dataclass(frozen=True)
class Group:
    """A customer's group of licences, open in the manager."""

    journey: Journey
    shop: LiveShop

    @property
    def page(self) -> Page:
        """The browser's page."""
        return self.journey.page

    def row(self, text: str) -> Locator:
        """The row of the seat that shows ``text``."""
        return self.page.locator("#seats tbody tr").filter(has_text=text)

    def act(self, text: str, french: str, english: str) -> None:
        """Open a seat's cog menu and choose."""
        self.row(text).locator("summary").click()
        self.row(text).get_by_role(
            "link", name=self.journey.say(french, english), exact=True
        ).click()

    def fill_seat(self, first_name: str, last_name: str, login: str) -> None:
        """Fill in a seat's form and confirm."""
        for labels, value in (
            (("Prénom", "First name"), first_name),
            (("Nom", "Last name"), last_name),
            (("Login", "Login"), login),
        ):
            self.journey.field(*labels).fill(value)
        self.journey.button("Valider", "Confirm").click()

    def expect_status(self, text: str, french: str, english: str) -> None:
        """Wait for a seat's status; without JavaScript the page is looked at again."""
        badge = self.row(text).locator(".badge")
        for _ in range(40):
            try:
                expect(badge).to_have_text(self.journey.say(french, english), timeout=500)
                return
            except AssertionError:
                refresh = self.journey.link("Actualiser", "Refresh")
                if refresh.count() and refresh.first.is_visible():
                    refresh.first.click()
        expect(badge).to_have_text(self.journey.say(french, english))

    def expect_gone(self, text: str) -> None:
        """Wait until no seat shows ``text`` any more."""
        for _ in range(40):
            refresh = self.journey.link("Actualiser", "Refresh")
            try:
                expect(self.row(text)).to_have_count(0, timeout=500)
                return
            except AssertionError:
                if refresh.count() and refresh.first.is_visible():
                    refresh.first.click()
        expect(self.row(text)).to_have_count(0)

    def open(self) -> None:
        """To the group's page, from the manager's home."""
        self.page.goto("/manager/web")
        self.page.locator("main").get_by_role("link", name=re.compile("Office 365")).first.click()
        expect(self.page.locator("#seats")).to_be_visible()


@pytest.fixture
def group(page: Page, language: str, shop: LiveShop) -> Iterator[Group]:
    """Two licences, paid, installed and open in the manager."""
    journey = Journey(page, language)
    journey.order(shop.new_customer(language), business=2)
    journey.pay()
    journey.expect_delivered()
    ready = Group(journey, shop)
    ready.open()
    yield ready
    shop.reset_switches()


def credentials(group: Group) -> tuple[str, str]:
    """Login and password, as the newest letter tells them."""
    journey, page = group.journey, group.page
    page.goto("/manager/account/emails")
    page.locator("main tbody tr").first.get_by_role("link").first.click()
    page.get_by_text(journey.say("L’e-mail en texte", "The email as text")).click()
    text = page.locator("main").inner_text()
    address = re.search(r"[\w.'-]+@o365-\S+", text)
    password = re.search(
        journey.say(r"Mot de passe[^\n:]*:\s*(\S+)", r"[Pp]assword[^\n:]*:\s*(\S+)"), text
    )
    assert address, text
    assert password, text
    return address.group(), password.group(1)


def sign_in_at_portal(group: Group, address: str, password: str) -> None:
    page, journey = group.page, group.journey
    page.goto(f"{group.shop.sandbox_url}/portal/sign-in?lang={journey.language}")
    page.locator("input[name=address]").fill(address)
    page.locator("input[name=password]").fill(password)
    page.locator("main form button[type=submit], form button[type=submit]").first.click()


def test_a_seat_becomes_a_persons_licence_and_opens_the_office_portal(
    page: Page, group: Group, check_accessibility: Check
) -> None:
    journey = group.journey
    check_accessibility()
    expect(group.row("configureme").first).to_be_visible()
    group.row("configureme").first.locator("summary").click()
    group.row("configureme").first.get_by_role(
        "link", name=journey.say("Configurer", "Configure"), exact=True
    ).click()
    group.fill_seat("Zoé", "Lefèvre", "zoe.lefevre")
    group.expect_status("zoe.lefevre", "Créé", "Created")
    check_accessibility()

    address, password = credentials(group)
    assert address.startswith("zoe.lefevre@")
    check_accessibility()
    sign_in_at_portal(group, address, password)
    expect(journey.button("Installer", "Install")).to_be_visible()
    for application in ("Excel", "Word", "PowerPoint", "Outlook"):
        expect(page.locator("main")).to_contain_text(application)
    check_accessibility()
    journey.link("Téléphone et tablette", "Phone and tablet").first.click()
    expect(page.locator("main")).to_contain_text("Android")
    check_accessibility()


def test_a_changed_password_works_at_once_and_a_released_seat_no_longer(
    page: Page, group: Group
) -> None:
    journey = group.journey
    group.row("configureme").first.locator("summary").click()
    group.row("configureme").first.get_by_role(
        "link", name=journey.say("Configurer", "Configure"), exact=True
    ).click()
    group.fill_seat("Bob", "Martin", "bob")
    group.expect_status("bob@", "Créé", "Created")
    group.act("bob@", "Changer le mot de passe", "Change password")
    page.locator("input[name=password]").fill("Nouveau-42x")
    journey.button("Valider", "Confirm").click()
    group.expect_status("bob@", "Créé", "Created")
    address = group.row("bob@").locator(".seat-address").inner_text().replace("\n", "")
    sign_in_at_portal(group, address, "Nouveau-42x")
    expect(journey.button("Installer", "Install")).to_be_visible()

    group.open()
    group.act("bob@", "Libérer la licence", "Release licence")
    journey.button("Libérer la licence", "Release licence").last.click()
    group.expect_gone("bob@")
    page.context.clear_cookies(domain="127.0.0.1")
    sign_in_at_portal(group, address, "Nouveau-42x")
    expect(journey.button("Installer", "Install")).to_have_count(0)


def test_what_a_seat_cannot_be_is_said_at_its_field(
    page: Page, group: Group, check_accessibility: Check
) -> None:
    journey = group.journey
    journey.button("Ajouter un utilisateur", "Add user").click()
    for login, french, english in (
        ("ab", "3 à 20", "3 to 20"),
        (".abc", "point", "dot"),
        ("zoé lefèvre", "sans accent", "without accents"),
    ):
        group.fill_seat("Zoé", "Lefèvre", login)
        expect(page.locator(".field-error").first).to_contain_text(journey.say(french, english))
        expect(journey.field("Prénom", "First name")).to_have_value("Zoé")
    check_accessibility()
    group.fill_seat("Zoé", "Lefèvre", "zoe")
    group.expect_status("zoe@", "Créé", "Created")


def test_a_refused_activation_says_so_and_is_tried_again(
    page: Page, group: Group, check_accessibility: Check
) -> None:
    group.shop.switch(provider_refusals=1, provider_refusal_reason="no capacity")
    group.journey.button("Ajouter un utilisateur", "Add user").click()
    group.fill_seat("Ann", "Lee", "ann.lee")
    group.expect_status("ann.lee@", "Erreur", "Error")
    check_accessibility()
    group.journey.button("Réessayer", "Retry").click()
    group.expect_status("ann.lee@", "Créé", "Created")


@pytest.mark.only(script=True)
def test_the_cog_and_its_dialog_answer_to_the_keyboard(page: Page, group: Group) -> None:
    journey = group.journey
    group.row("configureme").first.locator("summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    expect(group.row("configureme").first.locator("summary")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    journey.field("Prénom", "First name").press_sequentially("Kim")
    page.keyboard.press("Tab")
    page.keyboard.type("Doe")
    page.keyboard.press("Tab")
    page.keyboard.type("kim.doe")
    page.keyboard.press("Enter")
    group.expect_status("kim.doe@", "Créé", "Created")


def test_licences_are_added_to_the_group_in_the_manager(
    page: Page, group: Group, check_accessibility: Check
) -> None:
    journey = group.journey
    page.goto("/manager/web")
    if page.get_by_text("Menu", exact=True).is_visible():
        page.get_by_text("Menu", exact=True).click()
    page.get_by_role("navigation").get_by_role("link", name="O365", exact=True).last.click()
    check_accessibility()
    page.get_by_label(
        re.compile(journey.say("^Licences Office Business", "^Office Business licences"))
    ).first.check()
    journey.field("Nombre de licences", "Number of licences").fill("3")
    select = journey.field("Groupe de licences", "Licence group")
    value = select.locator("option", has_text="Office 365 Business").first.get_attribute("value")
    select.select_option(value)
    journey.button("Poursuivre", "Continue").click()
    check_accessibility()
    journey.field(
        "J’ai lu et j’accepte les contrats", "I have read and accept the contracts"
    ).check()
    journey.button("Générer le bon de commande", "Generate the purchase order").click()
    check_accessibility()
    journey.pay()
    journey.expect_delivered()
    group.open()
    expect(page.locator("#seats tbody tr")).to_have_count(5)


def test_a_group_gets_another_name_and_shows_its_usage(
    page: Page, group: Group, check_accessibility: Check
) -> None:
    journey = group.journey
    page.locator("#rename").click()
    page.locator("input[name=display_name]").fill("Équipe de Lille")
    page.locator(".group-name-form button[type=submit]").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Équipe de Lille")
    journey.link("Consommation", "Usage").click()
    expect(page.locator("main svg[role=img]").first).to_be_visible()
    check_accessibility()
    journey.link("Informations Générales", "General information").click()
    expect(page.locator("main")).to_contain_text("o365-")
    check_accessibility()
