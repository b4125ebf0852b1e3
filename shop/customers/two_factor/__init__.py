"""Two-factor sign-in: a second factor besides the password.

Factors are an authenticator application (`totp`), passkeys (`passkeys`), and recovery codes for
when those are lost (`recovery_codes`). The second step is required while an account has an
application or a passkey.
"""

from __future__ import annotations

from dataclasses import dataclass

from peewee import ModelSelect

from records.accounts import Account, LinkPurpose
from records.base import database
from records.security import Authenticator, Passkey, RecoveryCode
from shop import mail
from shop.customers import activity_log, one_time_links, sessions
from shop.customers.activity_log import UNKNOWN, Origin
from shop.customers.two_factor import doubtful, recovery_codes
from shop.sql.prepared import prepared

__all__ = [
    "Factors", "discard_unconfirmed", "factors_of", "is_on", "remove_authenticator",
    "remove_doubtful", "remove_passkey", "renew_recovery_codes", "switch_off",
]  # fmt: skip


@dataclass(frozen=True)
class Factors:
    """A customer's second factors."""

    authenticator: Authenticator | None
    passkeys: list[Passkey]
    codes_left: int

    @property
    def is_on(self) -> bool:
        """Whether the second step is required."""
        return self.authenticator is not None or bool(self.passkeys)


def factors_of(account: Account) -> Factors:
    """Return the customer's second factors (three queries)."""
    keys = Passkey.select().where(Passkey.account == account).order_by(Passkey.id)
    return Factors(
        authenticator=_authenticator_of(account),
        passkeys=list(keys),
        codes_left=recovery_codes.codes_left(account),
    )


def is_on(account: Account) -> bool:
    """Whether the customer must complete a second step after the password."""
    if _authenticator_of(account) is not None:
        return True
    return _passkeys.first(account) is not None


@prepared
def _passkeys(account: Account) -> ModelSelect[Passkey]:
    return Passkey.select(Passkey.id).where(Passkey.account == account)


def _authenticator_of(account: Account) -> Authenticator | None:
    return _confirmed.first(account)


@prepared
def _confirmed(account: Account) -> ModelSelect[Authenticator]:
    return Authenticator.select().where(
        Authenticator.account == account, Authenticator.confirmed_at.is_null(False)
    )


def renew_recovery_codes(account: Account, origin: Origin) -> list[str]:
    """Create new codes in place of earlier ones, and notify the customer; return the codes."""
    with database.atomic():
        codes = recovery_codes.create_codes(account, origin)
        mail.second_factor_changed(account, activity_log.DESCRIPTIONS["recovery_codes_made"])
    return codes


def remove_authenticator(account: Account, origin: Origin) -> bool:
    """Remove the authenticator application; return False if there was none."""
    with database.atomic():
        gone = Authenticator.delete().where(Authenticator.account == account).execute()
        if gone:
            _removed(account, "authenticator_removed", origin)
    return bool(gone)


def remove_passkey(passkey: Passkey, origin: Origin) -> bool:
    """Remove a passkey; return False if it was removed already."""
    with database.atomic():
        gone = Passkey.delete().where(Passkey.id == passkey.id).execute()
        if gone:
            _removed(passkey.account, "passkey_removed", origin, passkey.name)
    return bool(gone)


def _removed(account: Account, kind: str, origin: Origin, note: str = "") -> None:
    """Log the removal, notify the customer, and delete recovery codes that are of no use now."""
    if not is_on(account):
        RecoveryCode.delete().where(RecoveryCode.account == account).execute()
    activity_log.record(account, kind, origin, note=note)
    mail.second_factor_changed(account, activity_log.DESCRIPTIONS[kind])


def remove_doubtful(account: Account, origin: Origin) -> None:
    """Remove the factors of which the customer says that an intruder added them."""
    for factor in doubtful.factors(account):
        if isinstance(factor, Passkey):
            remove_passkey(factor, origin)
        else:
            remove_authenticator(account, origin)


def discard_unconfirmed(account: Account) -> None:
    """Delete an authenticator whose set-up was not finished: its secret was shown to someone."""
    Authenticator.delete().where(
        Authenticator.account == account, Authenticator.confirmed_at.is_null()
    ).execute()


def switch_off(account: Account, origin: Origin = UNKNOWN, reason: str = "") -> bool:
    """Remove all second factors of a customer who lost them (done by customer service).

    All sessions and pending sign-ins end. Return False if there was no factor. The customer is
    notified by e-mail.
    """
    with database.atomic():
        tables = (Authenticator, Passkey, RecoveryCode)
        gone = sum(table.delete().where(table.account == account).execute() for table in tables)
        sessions.end_others(account)
        one_time_links.void_links(account, LinkPurpose.SECOND_STEP)
        if gone:
            activity_log.record(account, "second_factor_reset", origin, note=reason)
            mail.second_factor_changed(account, activity_log.DESCRIPTIONS["second_factor_reset"])
    return bool(gone)
