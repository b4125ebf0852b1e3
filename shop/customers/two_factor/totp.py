"""Authenticator applications: a new code every 30 seconds (TOTP, RFC 6238)."""

from __future__ import annotations

from peewee import IntegrityError

from records.accounts import Account
from records.base import database
from records.security import Authenticator
from shop import clock, mail
from shop.customers import activity_log
from shop.customers.activity_log import Origin
from shop.customers.two_factor import doubtful
from shop.errors import N_, Conflict
from shop.security import encryption, one_time_codes
from shop.security.one_time_codes import WrongCode

__all__ = [
    "WrongCode", "begin_enrolment", "check_code", "finish_enrolment", "qr_code", "secret_of",
    "unconfirmed_authenticator",
]  # fmt: skip


def begin_enrolment(account: Account) -> Authenticator:
    """Return the authenticator to set up, with a new secret on the first call; idempotent.

    Raise `Conflict` if the customer has a confirmed application already.
    """
    row = Authenticator.get_or_none(Authenticator.account == account)
    if row is None:
        row = _create(account)
    if row.confirmed_at is not None:
        raise Conflict(N_("There is an authenticator application already. Remove it first."))
    return row


def unconfirmed_authenticator(account: Account) -> Authenticator | None:
    """Return the authenticator that is not confirmed yet, or None."""
    return Authenticator.get_or_none(
        Authenticator.account == account, Authenticator.confirmed_at.is_null()
    )


def _create(account: Account) -> Authenticator:
    try:
        with database.atomic():
            return Authenticator.create(
                account=account,
                secret=encryption.seal(one_time_codes.new_secret()),
                created_at=clock.now(),
            )
    except IntegrityError:
        # A concurrent request created it first.
        return Authenticator.get(Authenticator.account == account)


def finish_enrolment(row: Authenticator, code: str, origin: Origin) -> None:
    """Confirm the application with a code that it shows. Raise `WrongCode`."""
    account, now = row.account, clock.now()
    with database.atomic():
        _use_code(row, code)
        Authenticator.update(
            confirmed_at=now,
            from_known_network=doubtful.is_from_known_network(account, origin, now),
        ).where(Authenticator.id == row.id).execute()
        activity_log.record(account, "authenticator_added", origin)
        mail.second_factor_changed(account, activity_log.DESCRIPTIONS["authenticator_added"])


def check_code(account: Account, code: str) -> None:
    """Accept a code of the customer's application, once. Raise `WrongCode`."""
    row = Authenticator.get_or_none(
        Authenticator.account == account, Authenticator.confirmed_at.is_null(False)
    )
    if row is None:
        raise one_time_codes.wrong()
    _use_code(row, code)


def _use_code(row: Authenticator, code: str) -> None:
    step = one_time_codes.step_of(secret_of(row), code)
    if step is None:
        raise one_time_codes.wrong()
    # Compare-and-set: the first use of the code raises the step, a second one changes no row.
    used = (
        Authenticator.update(last_step=step)
        .where(Authenticator.id == row.id, Authenticator.last_step < step)
        .execute()
    )
    if not used:
        raise one_time_codes.wrong()


# --- Set-up ----------------------------------------------------------------------------------


def secret_of(row: Authenticator) -> str:
    """Return the secret in base 32, for typing it instead of scanning the QR code."""
    return encryption.unseal(row.secret)


def qr_code(row: Authenticator) -> bytes:
    """Return the secret as a QR code (SVG), to be scanned by the application."""
    return one_time_codes.qr_code(secret_of(row), row.account.nic_handle)
