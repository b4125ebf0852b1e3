"""The second factors of members of staff: an application, passkeys, and at least one of them.

Whoever changes them locks the member's row first, so that two changes at once see each other: the
last factor stays, and nothing is added to an account that was reset or disabled meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog

from records.base import database
from records.staff import StaffAccount, StaffPasskey
from shop import clock, mail
from shop.customers import activity_log
from shop.errors import N_, Conflict
from shop.security import encryption, one_time_codes
from shop.security.passkeys import Ceremony, check_count
from shop.staff import passkeys
from shop.staff.accounts import lock_unchanged

log = structlog.get_logger()


@dataclass(frozen=True)
class Factors:
    """A member's second factors; the application is in use since ``authenticator_at``, or None."""

    authenticator_at: datetime | None
    passkeys: list[StaffPasskey]

    @property
    def is_last(self) -> bool:
        """Whether there is one alone, which cannot be removed."""
        return len(self.passkeys) + bool(self.authenticator_at) <= 1


def factors_of(staff: StaffAccount) -> Factors:
    """Return a member's second factors."""
    return Factors(staff.authenticator_at, passkeys.passkeys_of(staff))


def _check_another_stays(found: Factors) -> None:
    if found.is_last:
        raise Conflict(N_("This is your only second factor: add another one first."))


def _tell(kind: str, staff: StaffAccount) -> None:
    """Log a change of the factors, and tell the member by e-mail."""
    log.info("staff_changed", kind=kind, staff=staff.id)
    mail.staff_account_changed(staff, activity_log.DESCRIPTIONS[kind])


# --- The application -------------------------------------------------------------------------


def begin_authenticator(staff: StaffAccount) -> str:
    """Return the secret for a new application, in base 32; the same one until it is confirmed.

    Raise `Conflict` if there is an application.
    """
    if not staff.secret:
        sealed = encryption.seal(one_time_codes.new_secret())
        is_without = (StaffAccount.id == staff.id) & (StaffAccount.secret == "")
        StaffAccount.update(secret=sealed).where(is_without).execute()
    row = StaffAccount.get_by_id(staff.id)
    _check_none(row)
    return encryption.unseal(row.secret)


def _check_none(row: StaffAccount) -> None:
    if row.authenticator_at is not None:
        raise Conflict(N_("There is an authenticator application already. Remove it first."))


def add_authenticator(staff: StaffAccount, code: str) -> None:
    """Use the application from now on. Raise `one_time_codes.WrongCode`, or `Conflict`."""
    with database.atomic():
        row = lock_unchanged(staff)
        _check_none(row)
        step = one_time_codes.step_of(encryption.unseal(row.secret), code) if row.secret else None
        if step is None or step <= row.last_step:
            raise one_time_codes.wrong()
        StaffAccount.update(authenticator_at=clock.now(), last_step=step).where(
            StaffAccount.id == row.id
        ).execute()
        _tell("authenticator_added", row)


def remove_authenticator(staff: StaffAccount) -> bool:
    """Remove the application; return False if there is none.

    Raise `Conflict` if it is the only factor.
    """
    with database.atomic():
        row = lock_unchanged(staff)
        if row.authenticator_at is None:
            return False
        _check_another_stays(factors_of(row))
        StaffAccount.update(authenticator_at=None, secret="").where(
            StaffAccount.id == row.id
        ).execute()
        _tell("authenticator_removed", row)
        return True


# --- Passkeys --------------------------------------------------------------------------------


def _purpose(staff: StaffAccount) -> str:
    return f"passkey of staff {staff.id}"


def begin_passkey(staff: StaffAccount, base_url: str) -> Ceremony:
    """Return the options to create a passkey. Raise `Refusal` if there are too many already."""
    return passkeys.begin_registration(staff, base_url, _purpose(staff))


def add_passkey(
    staff: StaffAccount, response: str, challenge: str, name: str, base_url: str
) -> None:
    """Store the passkey that a device created.

    Raise `PasskeyRefused`, `Refusal` if there are too many, or `Conflict`.
    """
    check_count(passkeys.passkeys_of(staff))
    made = passkeys.verify_registration(response, challenge, base_url, _purpose(staff))
    with database.atomic():
        row = lock_unchanged(staff)
        check_count(passkeys.passkeys_of(row))
        passkeys.store_passkey(row, name, made)
        _tell("passkey_added", row)


def remove_passkey(staff: StaffAccount, key: StaffPasskey) -> bool:
    """Remove a passkey; return False if it is gone already.

    Raise `Conflict` if it is the only factor.
    """
    with database.atomic():
        row = lock_unchanged(staff)
        found = factors_of(row)
        if key not in found.passkeys:
            return False
        _check_another_stays(found)
        StaffPasskey.delete().where(StaffPasskey.id == key.id).execute()
        _tell("passkey_removed", row)
        return True
