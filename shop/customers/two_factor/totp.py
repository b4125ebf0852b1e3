"""An application that shows a new code every half minute (TOTP, RFC 6238)."""

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
from shop.errors import N_, Conflict, Refusal
from shop.security import encryption

STEP = 30
"""Seconds for which an application shows one code."""

DRIFT = 1
"""Steps before and after the present one that count: clocks differ, and typing takes time."""


class WrongCode(Refusal):
    """Not the code of this moment, or one that was used already."""


def begin_enrolment(account: Account) -> Authenticator:
    """The application that is being set up, with a secret of its own; the same until it is done.

    Raises `Conflict` if the customer has an application already.
    """
    row = Authenticator.get_or_none(Authenticator.account == account)
    if row is None:
        row = _begun(account)
    if row.confirmed_at is not None:
        raise Conflict(N_("There is an authenticator application already. Remove it first."))
    return row


def being_set_up(account: Account) -> Authenticator | None:
    """The application whose code was not confirmed yet, if there is one."""
    return Authenticator.get_or_none(
        Authenticator.account == account, Authenticator.confirmed_at.is_null()
    )


def _begun(account: Account) -> Authenticator:
    try:
        with database.atomic():
            return Authenticator.create(
                account=account,
                secret=encryption.seal(pyotp.random_base32()),
                created_at=clock.now(),
            )
    except IntegrityError:
        # Another tab was first.
        return Authenticator.get(Authenticator.account == account)


def finish_enrolment(row: Authenticator, code: str, origin: Origin) -> None:
    """Count the application from now on, if it shows the right code. Raises `WrongCode`."""
    account = row.account
    with database.atomic():
        _take(row, code)
        Authenticator.update(confirmed_at=clock.now()).where(Authenticator.id == row.id).execute()
        activity_log.record(account, "authenticator_added", origin)
        mail.second_factor_changed(account, activity_log.WORDS["authenticator_added"])


def check(account: Account, code: str) -> None:
    """Take the code of the customer's application, once. Raises `WrongCode`."""
    row = Authenticator.get_or_none(
        Authenticator.account == account, Authenticator.confirmed_at.is_null(False)
    )
    if row is None:
        raise _wrong()
    _take(row, code)


def _take(row: Authenticator, code: str) -> None:
    step = _step_of(row, code)
    if step is None:
        raise _wrong()
    # Whoever raises the step first has used the code; a second one with it changes no row.
    used = (
        Authenticator.update(last_step=step)
        .where(Authenticator.id == row.id, Authenticator.last_step < step)
        .execute()
    )
    if not used:
        raise _wrong()


def _step_of(row: Authenticator, code: str) -> int | None:
    """The step for which ``code`` is right. Telephones go by real time, whatever a sandbox does."""
    digits = re.sub(r"\s", "", code)
    if not re.fullmatch(r"[0-9]{6}", digits):
        return None
    now = int(clock.real_now().timestamp()) // STEP
    shown = pyotp.TOTP(secret_of(row))
    steps = range(now - DRIFT, now + DRIFT + 1)
    return next((step for step in steps if _same(shown.generate_otp(step), digits)), None)


def _same(one: str, other: str) -> bool:
    return bool(pyotp.utils.strings_equal(one, other))


def _wrong() -> WrongCode:
    return WrongCode(
        N_("This code is not right, or no longer. Type the one the application shows now."), "code"
    )


# --- Setting it up ---------------------------------------------------------------------------


def secret_of(row: Authenticator) -> str:
    """The secret in base 32, for whoever types it instead of scanning."""
    return encryption.unseal(row.secret)


def qr_code(row: Authenticator) -> bytes:
    """The secret as a QR code (SVG), for the application's camera."""
    address = pyotp.TOTP(secret_of(row)).provisioning_uri(
        name=row.account.nic_handle, issuer_name=settings.current().shop_name
    )
    image = BytesIO()
    segno.make(address, error="m").save(image, kind="svg", scale=6, border=4, light="#fff")
    return image.getvalue()
