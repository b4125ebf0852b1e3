"""What happened to an account and from where: the customer's own log, kept for a year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from peewee import ModelSelect

from records.accounts import Account
from records.security import AccountEvent
from shop import clock
from shop.errors import N_

KEPT = timedelta(days=365)

WORDS: dict[str, str] = {
    "signed_in": N_("Logged in"),
    "sign_in_failed": N_("Failed login: wrong password"),
    "second_step_failed": N_("Failed login: the second step was wrong"),
    "signed_out": N_("Logged out"),
    "session_ended": N_("A session was ended"),
    "sessions_ended": N_("All other sessions were ended"),
    "identity_refused": N_("The password was asked for again, and was wrong"),
    "password_changed": N_("The password was changed"),
    "password_reset": N_("The password was replaced by a link sent by email"),
    "profile_changed": N_("The profile or the address was changed"),
    "email_asked": N_("Another email address was given"),
    "email_changed": N_("The email address was changed"),
    "language_changed": N_("The language was changed"),
    "authenticator_added": N_("An authenticator application was added"),
    "authenticator_removed": N_("The authenticator application was removed"),
    "recovery_codes_made": N_("New recovery codes were made"),
    "passkey_added": N_("A passkey was added"),
    "passkey_removed": N_("A passkey was removed"),
    "second_factor_reset": N_("Customer service switched the second step off"),
    "export_requested": N_("A copy of all data was asked for"),
    "export_downloaded": N_("A copy of all data was downloaded"),
}
"""What the log says of each kind of event."""

MEANS: dict[str, str] = {
    "password": N_("with the password"),
    "totp": N_("with the password and a code of the application"),
    "recovery": N_("with the password and a recovery code"),
    "password_passkey": N_("with the password and a passkey"),
    "passkey": N_("with a passkey"),
    "registration": N_("on creating the account"),
}
"""How somebody signed in: the note of ``signed_in``."""

ALARMING = {"sign_in_failed", "second_step_failed", "identity_refused", "second_factor_reset"}
"""What a customer should look at twice."""


@dataclass(frozen=True)
class Origin:
    """Where an act came from: the network address and the browser, as far as they are known."""

    address: str = ""
    browser: str = ""


UNKNOWN = Origin()


def record(account: Account | None, kind: str, origin: Origin, note: str = "") -> None:
    """Write that something happened, in the caller's transaction."""
    assert kind in WORDS, kind
    AccountEvent.insert(
        account=account,
        kind=kind,
        note=note[:255],
        address=origin.address[:45],
        browser=origin.browser[:255],
        at=clock.now(),
    ).execute()


def of_account(account: Account) -> ModelSelect[AccountEvent]:
    """What happened to an account, newest first."""
    return (
        AccountEvent.select()
        .where(AccountEvent.account == account)
        .order_by(AccountEvent.id.desc())
    )


def forget_old() -> int:
    """Delete what is older than a year; how many."""
    return int(AccountEvent.delete().where(AccountEvent.at < clock.now() - KEPT).execute())
