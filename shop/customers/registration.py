"""Registration: an account with a nic-handle of its own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from peewee import IntegrityError

from records.accounts import Account, VatStatus
from records.base import database
from shop import clock, mail
from shop.customers import passwords
from shop.text.email_addresses import normalized
from shop.text.folding import without_accents
from shop.vat import confirmation

DRAWS = 50
"""How often a free nic-handle is looked for; beyond that something else is wrong."""


@dataclass(frozen=True)
class Registration:
    """What a visitor gives to become a customer, already checked field by field."""

    first_name: str
    last_name: str
    email: str
    password: str
    street: str
    postcode: str
    city: str
    country: str
    language: str
    company: str = ""
    siren: str = ""
    vat_number: str = ""


def register(registration: Registration) -> Account:
    """Make an account with a nic-handle of its own, and the letter that says so."""
    fields = vars(registration) | {"email": normalized(registration.email)}
    del fields["password"]
    status = VatStatus.UNCONFIRMED if registration.vat_number else VatStatus.NONE
    password_hash = passwords.hashed(registration.password)
    for attempt in range(DRAWS):
        try:
            with database.atomic():
                account = Account.create(
                    nic_handle=_new_nic_handle(registration),
                    password_hash=password_hash,
                    vat_status=status,
                    created_at=clock.now(),
                    **fields,
                )
                confirmation.ask_about(account)
                mail.account_created(account)
                return account
        except IntegrityError:
            # Another account got the same five digits: draw again.
            if attempt == DRAWS - 1:
                raise
    raise AssertionError("unreachable")


def _new_nic_handle(registration: Registration) -> str:
    initials = _initial(registration.first_name) + _initial(registration.last_name)
    return f"{initials}{secrets.randbelow(100_000):05d}-ovh"


def _initial(name: str) -> str:
    """The first Latin letter of a name, without its accent; x where the script has none."""
    latin = filter(str.isascii, without_accents(name))
    return next(filter(str.isalpha, latin), "x")
