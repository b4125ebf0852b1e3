"""A new member of staff sets up their account, and helps a customer who is locked out."""

from __future__ import annotations

import os
from collections.abc import Callable

from playwright.sync_api import Page, expect

from e2e import by_http, desk
from e2e.journey import PASSWORD, Journey
from e2e.live import Customer, LiveShop
from shop.security import one_time_codes

WHY = "Mailbox lost, passport seen"


def test_a_new_member_of_staff_helps_a_customer_who_is_locked_out(
    page: Page, journey: Journey, shop: LiveShop, customer: Customer,
    check_accessibility: Callable[[], None],
) -> None:  # fmt: skip
    login = f"lea.{os.urandom(3).hex()}"
    link = desk.invited(page, journey, shop, f"{login}@nuage.example")
    page.context.clear_cookies()
    page.goto(link)
    check_accessibility()
    journey.link("Configurer une application", "Set up an application").click()
    check_accessibility()
    secret = page.locator(".copyable-value").inner_text().replace(" ", "")
    journey.field("Mot de passe", "Password").fill(PASSWORD)
    journey.field("Confirmer le mot de passe", "Confirm password").fill(PASSWORD)
    journey.field("Code", "Code").fill(one_time_codes.code_of(secret))
    journey.button("Valider", "Confirm").click()
    check_accessibility()
    journey.field("Identifiant ou adresse e-mail", "Login or email address").fill(login)
    journey.field("Mot de passe", "Password").fill(PASSWORD)
    journey.button("Se connecter", "Log in").click()
    check_accessibility()
    journey.field("Code", "Code").fill(one_time_codes.code_of(secret, 1))  # each once
    journey.button("Valider", "Confirm").click()
    expect(page.locator(".manager-header")).to_contain_text(login)

    page.goto(f"/desk/customers/{customer.nic_handle}/acts")
    check_accessibility()
    journey.link("Changer l’adresse e-mail", "Change the email address").click()
    journey.field("Nouvelle adresse e-mail", "New email address").fill(f"{login}@neuf.example")
    journey.button("Poursuivre", "Continue").click()
    expect(page.locator("main")).to_contain_text(
        journey.say("Indiquez le motif.", "Give the reason.")
    )
    check_accessibility()
    journey.field("Motif", "Reason").fill(WHY)
    journey.button("Poursuivre", "Continue").click()
    check_accessibility()
    journey.button("Envoyer le lien", "Send the link").click()
    expect(page.locator("main")).to_contain_text(f"{login}@neuf.example")

    page.context.clear_cookies()
    by_http.sign_in(page, customer)
    page.goto("/manager/account/activity")
    expect(page.locator("#activity")).to_contain_text(WHY)
    answer = page.goto(f"/desk/customers/{customer.nic_handle}/acts")
    assert answer is not None
    assert answer.status == 404, "for a customer there is no desk"
