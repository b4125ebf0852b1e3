"""Authenticator applications: a new code every 30 seconds (TOTP, RFC 6238)."""

from __future__ import annotations

import re
from io import BytesIO

import pyotp
import segno
from peewee import IntegrityError

from records.accounts import Account
from records.base import database
from records.security import Authenticator
from shop import clock, mail, settings
from shop.customers import activity_log
from shop.customers.activity_log import Origin
from shop.customers.two_factor import doubtful
from shop.errors import N_, Conflict, Refusal
from shop.security import encryption

STEP_SECONDS = 30
"""The length of a time step, in which an application shows one code."""

DRIFT_STEPS = 1
"""Accepted steps before and after the current one, for clock drift and typing time."""


class WrongCode(Refusal):
    """The code is not valid at this time, or was used already."""


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
                secret=encryption.seal(pyotp.random_base32()),
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
        raise _wrong()
    _use_code(row, code)


def _use_code(row: Authenticator, code: str) -> None:
    step = _step_of(row, code)
    if step is None:
        raise _wrong()
    # Compare-and-set: the first use of the code raises the step, a second one changes no row.
    used = (
        Authenticator.update(last_step=step)
        .where(Authenticator.id == row.id, Authenticator.last_step < step)
        .execute()
    )
    if not used:
        raise _wrong()


def _step_of(row: Authenticator, code: str) -> int | None:
    """Return the step of ``code`` or None. Devices use real time, not the sandbox's clock."""
    digits = re.sub(r"\s", "", code)
    if not re.fullmatch(r"[0-9]{6}", digits):
        return None
    now = int(clock.real_now().timestamp()) // STEP_SECONDS
    shown = pyotp.TOTP(secret_of(row))
    steps = range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1)
    return next((step for step in steps if _equals(shown.generate_otp(step), digits)), None)


def _equals(one: str, other: str) -> bool:
    return bool(pyotp.utils.strings_equal(one, other))


def _wrong() -> WrongCode:
    return WrongCode(
        N_("This code is not right, or no longer. Type the one the application shows now."), "code"
    )


# --- Set-up ----------------------------------------------------------------------------------


def secret_of(row: Authenticator) -> str:
    """Return the secret in base 32, for typing it instead of scanning the QR code."""
    return encryption.unseal(row.secret)


def qr_code(row: Authenticator) -> bytes:
    """Return the secret as a QR code (SVG), to be scanned by the application."""
    uri = pyotp.TOTP(secret_of(row)).provisioning_uri(
        name=row.account.nic_handle, issuer_name=settings.current().shop_name
    )
    image = BytesIO()
    segno.make(uri, error="m").save(image, kind="svg", scale=6, border=4, light="#fff")
    return image.getvalue()
