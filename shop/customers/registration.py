"""Registration: creating an account with a unique nic-handle."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass

from peewee import IntegrityError

from records.accounts import Account, VatStatus
from records.base import database
from shop import clock, mail, settings
from shop.customers import email_proofs, passwords, search_keys
from shop.security import rate_limits
from shop.text.email_addresses import normalized
from shop.text.folding import without_accents
from shop.vat import confirmation

MAX_DRAWS = 50
"""The maximum of attempts to draw an unused nic-handle; then the error is raised."""


@dataclass(frozen=True)
class Registration:
    """A new customer's details, with each field already checked."""

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


def register(registration: Registration, *, is_proved: bool = False) -> Account:
    """Create an account with a unique nic-handle, and the e-mail that states it.

    Where e-mails are sent, the first one asks to confirm the address, unless it ``is_proved``.
    Raise `Refusal` for an address with as many accounts as it may have.
    """
    fields = vars(registration) | {"email": normalized(registration.email)}
    email_proofs.check_vacancy(fields["email"])
    del fields["password"]
    status = VatStatus.UNCONFIRMED if registration.vat_number else VatStatus.NONE
    password_hash = passwords.hash_password(registration.password)
    now = clock.now()
    for attempt in range(MAX_DRAWS):
        try:
            with database.atomic():
                account = Account.create(
                    nic_handle=_new_nic_handle(registration),
                    password_hash=password_hash,
                    vat_status=status,
                    created_at=now,
                    email_proved_at=now if is_proved else None,
                    **fields,
                )
                search_keys.write(account)
                confirmation.request_confirmation(account)
                if settings.current().smtp_url and not is_proved:
                    with suppress(rate_limits.RateLimited):
                        email_proofs.request(account)
                mail.account_created(account)
                return account
        except IntegrityError:
            # The nic-handle is in use: draw again.
            if attempt == MAX_DRAWS - 1:
                raise
    raise AssertionError("unreachable")


def _new_nic_handle(registration: Registration) -> str:
    initials = _initial(registration.first_name) + _initial(registration.last_name)
    return f"{initials}{secrets.randbelow(100_000):05d}-ovh"


def _initial(name: str) -> str:
    """Return the first Latin letter of a name without its accent, or x if there is none."""
    latin = filter(str.isascii, without_accents(name))
    return next(filter(str.isalpha, latin), "x")
