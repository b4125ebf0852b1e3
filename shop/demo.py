"""Demo data: something to sell, and customers to be."""

from __future__ import annotations

import secrets

from models import Account
from shop import accounts, baskets, catalogue, contracts, ordering
from shop.ordering import Confirmation
from shop.payment import payments

DEMO_EMAIL = "camille.martin@example.com"
DEMO_PASSWORD = "Bienvenue-2026"

_PEOPLE = {
    "fr": ("Camille", "Martin", "12 rue des Lilas", "59800", "Lille", "FR"),
    "en": ("Alex", "Murphy", "12 Harbour Street", "D02 XY45", "Dublin", "IE"),
}


def publish() -> None:
    """Put the shipped offers on sale and publish the shipped contracts; again changes nothing."""
    catalogue.publish_shipped()
    contracts.publish_shipped()


def load() -> tuple[Account, str]:
    """The demo data, and the demo account with its password; again changes nothing."""
    publish()
    existing = Account.get_or_none(Account.email == DEMO_EMAIL)
    account = existing or _register("fr", DEMO_EMAIL, DEMO_PASSWORD, "")
    return account, DEMO_PASSWORD


def fresh_account(language: str, licences: int = 0) -> dict[str, str]:
    """A new account nobody else has: its nic-handle, password and e-mail address.

    It owns a group of so many Business licences (at most 300), paid and about to be installed.
    """
    publish()
    password = secrets.token_urlsafe(12) + "-A1"
    email = f"demo-{secrets.token_hex(6)}@example.com"
    account = _register(language if language in _PEOPLE else "fr", email, password, "")
    if licences:
        _order(account, licences)
    return {"nic_handle": account.nic_handle, "password": password, "email": email}


def _order(account: Account, licences: int) -> None:
    basket = baskets.Basket(baskets.new_name(), {"business": licences, "pro_plus": 0})
    seen = Confirmation(
        total_cents=ordering.quote(basket, catalogue.offers(), account).totals.total_cents,
        contract_digests=tuple(each.digest for each in contracts.current(account.language)),
        address="127.0.0.1",
        language=account.language,
    )
    payments.pay_by_hand(ordering.place_order(account, basket, seen), by="demo")


def _register(language: str, email: str, password: str, company: str) -> Account:
    first_name, last_name, street, postcode, city, country = _PEOPLE[language]
    return accounts.register(
        accounts.Registration(
            first_name=first_name,
            last_name=last_name,
            email=email,
            password=password,
            street=street,
            postcode=postcode,
            city=city,
            country=country,
            language=language,
            company=company,
        )
    )
