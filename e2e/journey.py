"""The order journey, step by step, by visible names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import uuid4

from playwright.sync_api import Locator, Page, expect

from e2e import by_http
from e2e.live import Customer

PASSWORD = "Un-Long-Secret-7"

ACCEPTED = "4242 4242 4242 4242"
DECLINED = "4000 0000 0000 0002"
STRONG = "4000 0025 0000 3155"


@dataclass(frozen=True)
class Journey:
    """A visitor's journey through the shop in one language."""

    page: Page
    language: str

    def say(self, french: str, english: str) -> str:
        """Return the text in the visitor's language."""
        return french if self.language == "fr" else english

    def button(self, french: str, english: str) -> Locator:
        """Return the button with exactly that name."""
        return self.page.get_by_role("button", name=self.say(french, english), exact=True)

    def link(self, french: str, english: str) -> Locator:
        """Return the link with exactly that name."""
        return self.page.get_by_role("link", name=self.say(french, english), exact=True)

    def field(self, french: str, english: str) -> Locator:
        """Return the field with exactly that label."""
        return self.page.get_by_label(self.say(french, english), exact=True)

    def has_script(self) -> bool:
        """Return whether JavaScript runs on the page, which then refreshes itself."""
        return self.page.locator("html.js").count() > 0

    # --- The order ---------------------------------------------------------------------------

    def begin_at_offer(self, slug: str = "office-365-business") -> None:
        """Go from an offer's page to the numbers of licences."""
        self.page.goto(f"/{self.language}/{slug}")
        self.link("Commander", "Order").first.click()

    def choose(self, business: int | str = 0, pro_plus: int | str = 0) -> None:
        """Enter the numbers of licences and press "Order"."""
        self.field("Licences Office 365 Business", "Office 365 Business licences").fill(
            str(business)
        )
        self.field("Licences Office 365 Pro Plus", "Office 365 Pro Plus licences").fill(
            str(pro_plus)
        )
        self.button("Commander", "Order").click()

    def carry_on(self) -> None:
        """Continue from the summary to the next step."""
        self.button("Poursuivre", "Continue").click()
        expect(self.page).not_to_have_url(re.compile("/order/summary"))

    def sign_in(self, customer: Customer, password: str = "") -> None:
        """Sign in as an existing customer."""
        self.field("Identifiant client (nic-handle)", "Customer ID (nic-handle)").fill(
            customer.nic_handle
        )
        self.field("Mot de passe", "Password").fill(password or customer.password)
        self.button("Se connecter", "Log in").click()

    def create_account(self, **changes: str) -> str:
        """Create an account. Return the nic-handle shown."""
        self.link("Créez un compte", "Create an account").click()
        self.fill_account(**changes)
        self.button("Créer mon compte", "Create my account").click()
        shown = self.page.get_by_text(re.compile(r"[a-z]{2}\d{5}-ovh")).first
        expect(shown).to_be_visible()
        found = re.search(r"[a-z]{2}\d{5}-ovh", self.page.locator("main").inner_text())
        assert found, "the nic-handle is not shown"
        return found.group()

    def fill_account(self, **changes: str) -> None:
        """Fill in the form of a new account."""
        values = {
            "first_name": "Zoé",
            "last_name": "Lefèvre",
            "email": f"zoe-{uuid4().hex[:8]}@example.com",
            "password": PASSWORD,
            "password_confirmation": PASSWORD,
            "street": "3 place du Marché",
            "postcode": "59000",
            "city": "Lille",
        } | changes
        labels = {
            "first_name": ("Prénom", "First name"),
            "last_name": ("Nom", "Last name"),
            "email": ("Adresse e-mail", "Email address"),
            "password": ("Mot de passe", "Password"),
            "password_confirmation": ("Confirmer le mot de passe", "Confirm password"),
            "street": ("Adresse", "Address"),
            "postcode": ("Code postal", "Postcode"),
            "city": ("Ville", "City"),
        }
        for name, value in values.items():
            self.field(*labels[name]).fill(value)

    def confirm(self) -> str:
        """Accept the contracts and confirm. Return the number of the purchase order."""
        self.field(
            "J’ai lu et j’accepte les contrats", "I have read and accept the contracts"
        ).check()
        self.button("Confirmer et Payer", "Confirm and Pay").click()
        expect(self.page).to_have_url(re.compile(rf"/{self.language}/order/\d+$"))
        return self.page.url.rsplit("/", 1)[-1]

    def order(self, customer: Customer, business: int = 1) -> str:
        """Order over HTTP as a customer and open the purchase order. Return its number."""
        return by_http.order(self.page, self.language, customer, business)

    # --- The bank ----------------------------------------------------------------------------

    def choose_renewals(self, by_card: bool) -> None:
        """Say on the purchase order how the renewals are paid."""
        if by_card:
            self.field("Débiter cette carte chaque mois", "Charge this card each month").check()
        else:
            self.field("Je paierai chaque mois moi-même", "I will pay each month myself").check()

    def go_to_bank(self, by_card: bool | None = False) -> None:
        """Go to the bank's page, on its own site.

        ``by_card`` says how the renewals of a new service are paid; None where that is not asked.
        """
        if by_card is not None:
            self.choose_renewals(by_card)
        self.button("Payer par carte", "Pay by card").click()
        expect(self.field("Numéro de carte", "Card number")).to_be_visible()

    def enter_card(self, number: str) -> None:
        """Pay at the bank's page."""
        self.field("Numéro de carte", "Card number").fill(number)
        self.field("Date d’expiration", "Expiry date").fill("12/34")
        self.field("Code de sécurité", "Security code").fill("123")
        self.button("Payer", "Pay").click()

    def pay(self, number: str = ACCEPTED, by_card: bool | None = False) -> None:
        """Pay by card; see `go_to_bank`."""
        self.go_to_bank(by_card)
        self.enter_card(number)

    # --- Results -----------------------------------------------------------------------------

    def expect_status(self, french: str, english: str) -> None:
        """Wait for the order's status; without JavaScript, reload the page."""
        status, words = self.page.locator("#order-status .badge").first, self.say(french, english)
        expect(status).to_be_visible()  # the bank's page has gone
        if not self.has_script():
            by_http.look_again_until(
                self.page, lambda: status.inner_text().strip() == words, self._refresh
            )
        expect(status).to_have_text(words)

    def _refresh(self) -> None:
        """Reload the page, by its link if it has one."""
        link = self.link("Actualiser", "Refresh")
        if link.count():
            link.first.click()
        else:
            self.page.reload()

    def expect_delivered(self) -> None:
        """Wait until the order is delivered."""
        self.expect_status("Finalisée", "Completed")

    def open_letter(self, french: str, english: str) -> None:
        """Open the newest e-mail with that subject; the worker may write it a moment later."""
        subject = re.compile(self.say(french, english), re.IGNORECASE)
        letter = self.page.locator("main").get_by_role("link", name=subject)
        self.page.goto("/manager/account/emails")
        by_http.see(self.page, letter)
        letter.first.click()
