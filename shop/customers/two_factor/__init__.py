"""The second step of signing in: something the customer has, besides the password.

An application that shows codes (`totp`), passkeys (`passkeys`), and codes on paper for the day
those are lost (`recovery`). The second step is asked for as long as there is one of the first two.
"""

from __future__ import annotations

from dataclasses import dataclass

from records.accounts import Account
from records.base import database
from records.security import Authenticator, Passkey, RecoveryCode
from shop import mail
from shop.customers import activity_log
from shop.customers.activity_log import UNKNOWN, Origin
from shop.customers.two_factor import recovery_codes

__all__ = ["Means", "is_on", "means_of", "remove_authenticator", "remove_passkey", "switch_off"]


@dataclass(frozen=True)
class Means:
    """What a customer can answer the second step with."""

    authenticator: Authenticator | None
    passkeys: list[Passkey]
    codes_left: int

    @property
    def is_on(self) -> bool:
        """Whether the second step is asked for."""
        return self.authenticator is not None or bool(self.passkeys)


def means_of(account: Account) -> Means:
    """What this customer has (three queries)."""
    keys = Passkey.select().where(Passkey.account == account).order_by(Passkey.id)
    return Means(
        authenticator=_authenticator_of(account),
        passkeys=list(keys),
        codes_left=recovery_codes.left(account),
    )


def is_on(account: Account) -> bool:
    """Whether a password alone does not sign this customer in."""
    if _authenticator_of(account) is not None:
        return True
    return bool(Passkey.select().where(Passkey.account == account).exists())


def _authenticator_of(account: Account) -> Authenticator | None:
    return Authenticator.get_or_none(
        Authenticator.account == account, Authenticator.confirmed_at.is_null(False)
    )


def remove_authenticator(account: Account, origin: Origin) -> bool:
    """Forget the application; False if there was none."""
    with database.atomic():
        gone = Authenticator.delete().where(Authenticator.account == account).execute()
        if gone:
            _removed(account, "authenticator_removed", origin)
    return bool(gone)


def remove_passkey(passkey: Passkey, origin: Origin) -> bool:
    """Forget a passkey; False if it is gone already."""
    with database.atomic():
        gone = Passkey.delete().where(Passkey.id == passkey.id).execute()
        if gone:
            _removed(passkey.account, "passkey_removed", origin, passkey.name)
    return bool(gone)


def _removed(account: Account, kind: str, origin: Origin, note: str = "") -> None:
    """Note it, tell the customer, and drop recovery codes that recover nothing any more."""
    if not is_on(account):
        RecoveryCode.delete().where(RecoveryCode.account == account).execute()
    activity_log.record(account, kind, origin, note=note)
    mail.second_factor_changed(account, activity_log.WORDS[kind])


def switch_off(account: Account, origin: Origin = UNKNOWN) -> bool:
    """Customer service: forget every second factor of a customer who lost them all.

    False if there was none. The customer is told by letter.
    """
    with database.atomic():
        tables = (Authenticator, Passkey, RecoveryCode)
        gone = sum(table.delete().where(table.account == account).execute() for table in tables)
        if gone:
            activity_log.record(account, "second_factor_reset", origin)
            mail.second_factor_changed(account, activity_log.WORDS["second_factor_reset"])
    return bool(gone)
