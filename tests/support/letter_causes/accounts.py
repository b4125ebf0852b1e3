"""What causes the e-mails about an account (`shop.mail.account_letters`)."""

from __future__ import annotations

from datetime import timedelta

from models import Account
from shop import clock, mail
from shop.customers import data_export, email_proofs, password_changes, profile, two_factor
from shop.customers.activity_log import UNKNOWN
from shop.customers.two_factor import recovery_codes
from shop.jobs import queue
from shop.orders import contracts
from shop.orders.contracts import announcements
from shop.orders.contracts.texts import ShippedText
from shop.personal_data import closing
from shop.publishing import notices
from tests.support import purchases, running
from tests.support.parties import Bank, Provider


def account_created(account: Account, bank: Bank, provider: Provider) -> None:
    """Nothing to do: registering an account writes this e-mail."""


def email_proof(account: Account, bank: Bank, provider: Provider) -> None:
    """The link that proves the address is requested again."""
    email_proofs.request(account)


def password_reset(account: Account, bank: Bank, provider: Provider) -> None:
    """A password is forgotten."""
    password_changes.request_reset(account.nic_handle, "203.0.113.7", purchases.BASE)
    queue.drain()


def password_changed(account: Account, bank: Bank, provider: Provider) -> None:
    """A password is changed."""
    password_changes.change_password(account, "Another-Horse-8")


def announcement(account: Account, bank: Bank, provider: Provider) -> None:
    """An announcement is published that is e-mailed to customers with a running service."""
    running.delivered(account, bank)
    now = clock.now()
    notices.publish(
        notices.Wording(
            "Maintenance samedi de 2 h à 4 h.", "Maintenance on Saturday from 2 to 4.",
            now, now + timedelta(days=1), by_email=True,
        ),
        by="staff:dora", reason="Maintenance",
    )  # fmt: skip
    queue.drain()


def account_closed(account: Account, bank: Bank, provider: Provider) -> None:
    """The customer closes the account."""
    closing.close_account(account, by=account.nic_handle)


def account_ending(account: Account, bank: Bank, provider: Provider) -> None:
    """The account ends in 30 days, after five years without a service."""
    mail.account_ending(account, clock.today() + timedelta(days=30))


def email_confirmation(account: Account, bank: Bank, provider: Provider) -> None:
    """A new e-mail address is requested."""
    profile.request_email_change(account, "elsewhere@atelier.example", purchases.BASE, UNKNOWN)


def email_changed(account: Account, bank: Bank, provider: Provider) -> None:
    """An e-mail address is changed."""
    profile.change_email(account, "elsewhere@atelier.example", UNKNOWN)


def second_factor_changed(account: Account, bank: Bank, provider: Provider) -> None:
    """Customer service removes the second factors."""
    recovery_codes.create_codes(account, UNKNOWN)
    two_factor.switch_off(account)


def export_ready(account: Account, bank: Bank, provider: Provider) -> None:
    """A data export is made."""
    data_export.request_export(account, UNKNOWN)
    queue.drain()


def contract_change(account: Account, bank: Bank, provider: Provider) -> None:
    """A new version of the general terms is published."""
    running.delivered(account, bank)
    contracts.publish(
        [
            ShippedText("general_terms", 3, language, title, "Texte.")
            for language, title in (("fr", "Conditions générales"), ("en", "General terms"))
        ]
    )
    announcements.announce_all()
