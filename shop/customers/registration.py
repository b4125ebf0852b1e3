"""Registration: creating an account with a unique nic-handle."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass

from peewee import IntegrityError, ModelSelect

from records.accounts import Account, VatStatus
from records.base import database
from shop import clock, mail, settings
from shop.customers import email_proofs, passwords, search_keys
from shop.security import encryption, rate_limits
from shop.sql.prepared import prepared
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
    form: str = ""
    """The number of the form it was typed in: one that is sent twice makes one account."""


def register(registration: Registration, *, is_proved: bool = False) -> Account:
    """Create an account with a unique nic-handle, and the e-mail that states it.

    Where e-mails are sent, the first one asks to confirm the address, unless it ``is_proved``.
    Raise `Refusal` for an address with as many accounts as it may have.
    """
    fields = vars(registration) | {"email": normalized(registration.email)}
    form_digest = _form_digest(registration.form, fields["email"])
    if before := _registered_before(form_digest, registration.password):
        return before
    email_proofs.check_vacancy(fields["email"])
    del fields["password"], fields["form"]
    status = VatStatus.UNCONFIRMED if registration.vat_number else VatStatus.NONE
    password_hash = passwords.hash_password(registration.password)
    now = clock.now()
    for attempt in range(MAX_DRAWS):
        try:
            with database.atomic():
                account = Account.create(
                    nic_handle=_new_nic_handle(registration),
                    password_hash=password_hash,
                    form_digest=form_digest,
                    vat_status=status,
                    created_at=now,
                    email_proved_at=now if is_proved else None,
                    **fields,
                )
                search_keys.create_keys(account)
                confirmation.request_confirmation(account)
                if settings.current().smtp_url and not is_proved:
                    with suppress(rate_limits.RateLimited):
                        email_proofs.request(account)
                mail.account_created(account)
                return account
        except IntegrityError:
            if before := _registered_before(form_digest, registration.password):
                return before
            # The nic-handle is in use: draw again. Or the form was sent with another password: that
            # is another account, which this form does not name.
            form_digest = None if _is_used(form_digest) else form_digest
            if attempt == MAX_DRAWS - 1:
                raise
    raise AssertionError("unreachable")


def _form_digest(form: str, email: str) -> str | None:
    """Return what is stored of a form: its number with the e-mail address typed in it."""
    return encryption.digest(f"{form} {email}") if form else None


def _registered_before(form_digest: str | None, password: str) -> Account | None:
    """Return the account that this form has made already, if its password is this one."""
    account = _by_form.first(form_digest) if form_digest else None
    return account if account and passwords.is_of(account, password) else None


def _is_used(form_digest: str | None) -> bool:
    return form_digest is not None and _by_form.first(form_digest) is not None


@prepared
def _by_form(form_digest: str) -> ModelSelect[Account]:
    return Account.select().where(Account.form_digest == form_digest)


def _new_nic_handle(registration: Registration) -> str:
    initials = _initial(registration.first_name) + _initial(registration.last_name)
    return f"{initials}{secrets.randbelow(100_000):05d}-ovh"


def _initial(name: str) -> str:
    """Return the first Latin letter of a name without its accent, or x if there is none."""
    latin = filter(str.isascii, without_accents(name))
    return next(filter(str.isalpha, latin), "x")
