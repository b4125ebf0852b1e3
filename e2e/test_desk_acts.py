"""Acts of a day: an account is blocked, a service suspended, what a customer asks is settled."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from e2e import by_http, desk
from e2e.journey import Journey
from e2e.live import Customer, LiveShop

Check = Callable[[], None]


class Member:
    """A member of staff at the desk, who does acts from a customer's page."""

    def __init__(self, page: Page, journey: Journey, nic_handle: str) -> None:
        self._page, self._journey = page, journey
        self._acts = f"/desk/customers/{nic_handle}/acts"

    def act(
        self, link: tuple[str, str], button: tuple[str, str], done: tuple[str, str], why: str,
        **fields: str,
    ) -> None:  # fmt: skip
        """Do an act: its link, the reason, its confirmation; see what is said afterwards."""
        journey, page = self._journey, self._page
        page.goto(self._acts)
        journey.link(*link).first.click()
        for name, value in fields.items():
            page.locator(f"#{name}").fill(value)
        journey.field("Motif", "Reason").fill(why)
        journey.button("Poursuivre", "Continue").click()
        expect(page.locator("main")).to_contain_text(why)
        journey.button(*button).click()
        expect(page.locator("main")).to_contain_text(journey.say(*done))

    def may_not(self, french: str, english: str) -> None:
        """See that the customer's page has no link to an act."""
        self._page.goto(self._acts)
        expect(self._journey.link(french, english)).to_have_count(0)


BLOCK = ("Bloquer le compte", "Block the account")
UNBLOCK = ("Débloquer le compte", "Unblock the account")
SUSPEND = ("Suspendre le service", "Suspend the service")
RESUME = ("Rétablir le service", "Resume the service")
END = ("Mettre fin au service", "End the service")


def test_a_fraudster_is_kept_out_and_told_why(
    page: Page, journey: Journey, shop: LiveShop, customer: Customer, check_accessibility: Check
) -> None:
    desk.sign_in(page, shop, "support", journey.language)
    support = Member(page, journey, customer.nic_handle)
    support.act(
        BLOCK, ("Bloquer", "Block"), ("Le compte est bloqué.", "The account is blocked."),
        "Three stolen cards",
    )  # fmt: skip
    check_accessibility()
    support.may_not(*BLOCK)

    staff_cookies = page.context.cookies()
    page.context.clear_cookies()
    page.goto("/login")
    journey.sign_in(customer)
    expect(page.locator("main")).to_contain_text("Three stolen cards")
    check_accessibility()

    page.context.clear_cookies()
    page.context.add_cookies(staff_cookies)
    support.act(
        UNBLOCK, ("Débloquer", "Unblock"), ("Le compte est débloqué.", "The account is unblocked."),
        "It was a mistake of the bank",
    )  # fmt: skip
    page.context.clear_cookies()
    by_http.sign_in(page, customer)


def test_a_service_is_suspended_for_abuse_resumed_and_ended(
    page: Page, journey: Journey, shop: LiveShop, check_accessibility: Check
) -> None:
    customer = shop.new_customer(journey.language, licences=1)
    by_http.open_group(page, customer)
    desk.sign_in(page, shop, "support", journey.language)
    support = Member(page, journey, customer.nic_handle)
    support.act(SUSPEND, SUSPEND, ("Le service est suspendu.", "is suspended."), "Sends spam")

    page.goto("/desk/today")
    case = page.locator("#today").get_by_role("row").filter(has_text="Sends spam")
    case.get_by_role("rowheader").get_by_role("link").first.click()
    expect(page.locator("main")).to_contain_text("Sends spam")
    check_accessibility()

    page.context.clear_cookies()
    by_http.sign_in(page, customer)
    page.goto("/manager/services")
    page.locator("main").get_by_role("link", name="Office 365 Business").first.click()
    expect(page.locator("main")).to_contain_text("Sends spam")

    desk.sign_in(page, shop, "support", journey.language)
    support.act(
        RESUME, RESUME, ("Le service est rétabli.", "The service runs again."), "Cleaned up"
    )
    support.may_not(*RESUME)
    support.act(END, END, ("Le service a pris fin.", "The service has ended."), "Asked by letter")
    support.may_not(*END)


def test_what_was_typed_survives_the_other_language(
    page: Page, journey: Journey, shop: LiveShop, customer: Customer, language: str
) -> None:
    other = "English (EN)" if language == "fr" else "Français (FR)"
    desk.sign_in(page, shop, "support", language)
    page.goto(f"/desk/customers/{customer.nic_handle}/acts/block")
    page.locator("#reason").fill("Three stolen cards")
    page.get_by_role("button", name=other, exact=True).click()
    expect(page.locator("html")).not_to_have_attribute("lang", language)
    expect(page.locator("#reason")).to_have_value("Three stolen cards")

    page.locator("#reason").press("Enter")
    expect(page.locator("main")).to_contain_text("Three stolen cards")
    expect(page.locator("#reason")).to_have_count(0)
    page.get_by_role("button", name=journey.say("Français (FR)", "English (EN)")).click()
    expect(page.locator("html")).to_have_attribute("lang", language)
    journey.button("Bloquer", "Block").click()
    said = journey.say("Le compte est bloqué.", "The account is blocked.")
    expect(page.locator("main")).to_contain_text(said)


def test_support_settles_what_a_customer_asks_by_telephone(
    page: Page, journey: Journey, shop: LiveShop, customer: Customer, check_accessibility: Check
) -> None:
    number = by_http.order(page, journey.language, customer)
    desk.sign_in(page, shop, "support", journey.language)
    support = Member(page, journey, customer.nic_handle)
    more_time = ("Prolonger le délai de paiement", "Give more time to pay")
    support.act(
        more_time, more_time, ("pendant 14\u00a0jours de plus", "for 14 more days"), "On holiday"
    )
    cancel = ("Annuler la commande", "Cancel the order")
    support.act(cancel, cancel, ("La commande est annulée.", "is cancelled."), "Ordered twice")
    page.goto(f"/desk/orders/{number}")
    expect(page.locator("main")).to_contain_text(journey.say("Annulée", "Cancelled"))
    check_accessibility()

    page.goto(f"/desk/customers/{customer.nic_handle}/emails")
    page.locator("main").get_by_role("rowheader").get_by_role("link").last.click()
    journey.link("Renvoyer l’e-mail", "Send the email again").click()
    check_accessibility()
    journey.field("Motif", "Reason").fill("Went to spam")
    journey.button("Poursuivre", "Continue").click()
    journey.button("Renvoyer", "Send again").click()
    said = journey.say("L’e-mail est en cours de renvoi.", "The email is being sent again.")
    expect(page.locator("main")).to_contain_text(said)

    page.goto(f"/desk/customers/{customer.nic_handle}")
    journey.field("Nouvelle note", "New note").fill("Prefers to be called in the morning")
    journey.button("Écrire la note", "Write the note").click()
    expect(page.locator(".desk-notes")).to_contain_text("in the morning")
    page.goto(f"/desk/customers/{customer.nic_handle}/time-line")
    for why in ("On holiday", "Ordered twice", "Went to spam"):
        expect(page.locator("main")).to_contain_text(why)


@pytest.mark.only(script=True)
def test_today_shows_what_is_new_by_itself(page: Page, journey: Journey, shop: LiveShop) -> None:
    page.clock.install()
    desk.sign_in(page, shop, "auditor", journey.language)
    page.goto("/desk/today")
    title = page.locator("#new_customers-title")
    expect(title).to_be_visible()
    customer = shop.new_customer(journey.language)
    new = page.locator("#today").get_by_role("link", name=customer.email)
    expect(new).to_have_count(0)
    page.clock.fast_forward(21_000)
    expect(new).to_be_visible()


@pytest.mark.only(size="desktop")
def test_a_member_changes_their_password_and_reads_why_their_role_changed(
    page: Page, journey: Journey, shop: LiveShop, check_accessibility: Check
) -> None:
    login = desk.sign_in(page, shop, "auditor", journey.language).partition("@")[0]
    page.goto("/desk/account")
    journey.link("Remplacer le mot de passe", "Change the password").click()
    check_accessibility()
    journey.field("Mot de passe", "Password").fill("Cerf-volant-88")
    journey.field("Confirmer le mot de passe", "Confirm password").fill("Cerf-volant-88")
    journey.button("Remplacer le mot de passe", "Change the password").click()
    expect(page.locator("main")).to_contain_text(
        journey.say("Le mot de passe est changé.", "The password is changed.")
    )

    desk.sign_in(page, shop, "administrator", journey.language)
    page.goto(f"/desk/staff/{login}")
    journey.link("Changer le rôle", "Change the role").click()
    page.locator("#role").select_option("support")
    journey.field("Motif", "Reason").fill("Moves to support")
    journey.button("Poursuivre", "Continue").click()
    journey.button("Changer le rôle", "Change the role").click()
    table = page.get_by_role("table", name=journey.say("Emails", "Emails"))
    for told in (
        journey.say("Votre rôle a été changé", "Your role was changed"),
        journey.say("Le mot de passe a été changé", "The password was changed"),
    ):
        expect(table.get_by_role("row").filter(has_text=told)).to_be_visible()
    check_accessibility()
