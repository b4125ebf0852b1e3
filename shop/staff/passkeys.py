"""Passkeys of members of staff: a second factor, whose device always verifies its user."""

from __future__ import annotations

from typing import Any

from records.staff import StaffAccount, StaffPasskey
from shop import clock
from shop.security import passkeys
from shop.security.passkeys import Answer, Ceremony, Owner


def passkeys_of(staff: StaffAccount) -> list[StaffPasskey]:
    """Return a member's passkeys, the oldest first."""
    own = StaffPasskey.staff == staff
    return list(StaffPasskey.select().where(own).order_by(StaffPasskey.id))


def find_passkey(staff: StaffAccount, passkey_id: int) -> StaffPasskey | None:
    """Return one of a member's passkeys, or None."""
    return StaffPasskey.get_or_none(StaffPasskey.staff == staff, StaffPasskey.id == passkey_id)


def _handle_of(staff: StaffAccount) -> str:
    return passkeys.user_handle(f"staff {staff.id}")


def begin_registration(staff: StaffAccount, base_url: str, purpose: str) -> Ceremony:
    """Return the options to create a passkey for ``purpose``.

    Raise `Refusal` if there are too many already.
    """
    owner = Owner(_handle_of(staff), staff.login, staff.login)
    return passkeys.begin_registration(
        owner, passkeys_of(staff), base_url, purpose, user_verified=True
    )


def verify_registration(
    response: str, challenge: str, base_url: str, purpose: str
) -> dict[str, Any]:
    """Return the columns of a passkey that a device created. Raise `PasskeyRefused`."""
    answer = Answer(response, challenge, base_url, purpose, user_verified=True)
    return passkeys.finish_registration(answer)


def store_passkey(staff: StaffAccount, name: str, made: dict[str, Any]) -> None:
    """Store a passkey in the caller's transaction. Raise `PasskeyRefused` if it is known."""
    values = made | {
        "staff": staff, "user_handle": _handle_of(staff), "created_at": clock.now(),
        "name": name.strip()[:64] or staff.login,
    }  # fmt: skip
    if not StaffPasskey.insert(**values).on_conflict_ignore().as_rowcount().execute():
        raise passkeys.held_already()


def begin_authentication(staff: StaffAccount, base_url: str, purpose: str) -> Ceremony:
    """Return the options to sign with one of the member's passkeys."""
    return passkeys.begin_authentication(passkeys_of(staff), base_url, purpose, user_verified=True)


def verify_authentication(
    staff: StaffAccount, response: str, challenge: str, base_url: str, purpose: str
) -> tuple[StaffPasskey, int]:
    """Return the member's passkey that signed, and its counter, to be given to `record_use`.

    Raise `PasskeyRefused`, also for a passkey of somebody else.
    """

    def find(credential_id: str) -> StaffPasskey | None:
        own = StaffPasskey.staff == staff
        return StaffPasskey.get_or_none(own, StaffPasskey.credential_id == credential_id)

    answer = Answer(response, challenge, base_url, purpose, user_verified=True)
    return passkeys.finish_authentication(answer, find)


def record_use(staff: StaffAccount, key: StaffPasskey, count: int) -> None:
    """Store the device's counter. Raise `PasskeyRefused` if it went back or the key is removed."""
    passkeys.record_use(key, count, staff=staff.id)
