"""A member of staff sets up a passkey, signs in with it, and adds and removes second factors."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from playwright.sync_api import Page, expect

from e2e import desk
from e2e.journey import PASSWORD, Journey
from e2e.live import LiveShop
from e2e.virtual_device import VirtualDevice


@pytest.mark.only(script=True)
def test_a_member_of_staff_signs_in_with_a_passkey(
    page: Page, journey: Journey, shop: LiveShop, authenticator: VirtualDevice,
    check_accessibility: Callable[[], None],
) -> None:  # fmt: skip
    login = f"noe.{os.urandom(3).hex()}"
    link = desk.invited(page, journey, shop, f"{login}@nuage.example")
    page.context.clear_cookies()
    page.goto(link)
    journey.link("Configurer une clé d’accès", "Set up a passkey").click()
    check_accessibility()
    journey.field("Mot de passe", "Password").fill(PASSWORD)
    journey.field("Confirmer le mot de passe", "Confirm password").fill(PASSWORD)
    create = journey.button("Créer la clé d’accès", "Create the passkey")
    create.click()
    expect(page.get_by_role("alert").first).to_contain_text(
        journey.say("Donnez un nom à la clé d’accès", "Give the passkey a name")
    )
    assert not authenticator.credentials(), "the device was not asked"
    check_accessibility()
    journey.field("Mot de passe", "Password").fill(PASSWORD)
    journey.field("Confirmer le mot de passe", "Confirm password").fill(PASSWORD)
    journey.field("Nom de la clé d’accès", "Name of the passkey").fill("Portable")
    create.click()
    expect(page).to_have_url("/desk")
    assert len(authenticator.credentials()) == 1

    sign_in(page, journey, login)
    check_accessibility()
    use_passkey(page, journey)
    expect(page.locator(".manager-header")).to_contain_text(login)

    page.goto("/desk/account")
    check_accessibility()
    expect(page.locator(".means")).to_contain_text("Portable")
    expect(page.locator(".means .button-danger")).to_have_count(0)
    journey.link(
        "Configurer une application d’authentification", "Set up an authenticator application"
    ).click()
    check_accessibility()
    secret = page.locator(".copyable-value").inner_text().replace(" ", "")
    code = pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=30))
    journey.field("Code", "Code").fill(code)
    journey.button("Activer", "Switch on").click()
    expect(page.locator(".means .button-danger")).to_have_count(2)
    check_accessibility()
    journey.link("Ajouter une clé d’accès", "Add a passkey").click()
    check_accessibility()
    journey.field("Nom de la clé d’accès", "Name of the passkey").fill("Portable 2")
    journey.button("Ajouter la clé d’accès", "Add the passkey").click()
    expect(page.locator(".passkey-error")).to_contain_text(
        journey.say("Cet appareil contient déjà", "This device holds a passkey of yours already.")
    )
    check_accessibility()

    page.goto("/desk/account")
    page.locator(".manager-header .menu summary").click()
    journey.button("Se déconnecter", "Log out").click()
    expect(page).to_have_url("/desk")
    sign_in(page, journey, login)
    expect(journey.field("Code", "Code")).to_be_visible()
    check_accessibility()
    use_passkey(page, journey)
    page.goto("/desk/account")
    journey.button(
        "Supprimer l’application d’authentification", "Remove the authenticator application"
    ).click()
    expect(page.locator(".means .button-danger")).to_have_count(0)


def sign_in(page: Page, journey: Journey, login: str) -> None:
    journey.field("Identifiant ou adresse e-mail", "Login or email address").fill(login)
    journey.field("Mot de passe", "Password").fill(PASSWORD)
    journey.button("Se connecter", "Log in").click()
    expect(page).to_have_url("/desk/second-step")


def use_passkey(page: Page, journey: Journey) -> None:
    journey.button("Utiliser une clé d’accès", "Use a passkey").click()
    expect(page.locator(".manager-header .desk-search")).to_be_visible()


@pytest.mark.only(script=False)
def test_without_javascript_the_page_says_so_and_the_application_stays(
    page: Page, journey: Journey, shop: LiveShop
) -> None:
    link = desk.invited(page, journey, shop, f"zoe.{os.urandom(3).hex()}@nuage.example")
    page.context.clear_cookies()
    page.goto(link)
    journey.link("Configurer une clé d’accès", "Set up a passkey").click()
    expect(page.locator("main")).to_contain_text("JavaScript")
    expect(page.locator("form")).to_be_hidden()
    journey.link("Choisir un autre moyen", "Choose another way").click()
    journey.link("Configurer une application", "Set up an application").click()
    expect(journey.field("Code", "Code")).to_be_visible()
