"""The activity log of an account: security events with their origin, kept for a year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog
from peewee import ModelSelect

from records.accounts import Account
from records.security import AccountEvent
from shop import clock
from shop.errors import N_

log = structlog.get_logger()

RETENTION = timedelta(days=365)

DESCRIPTIONS: dict[str, str] = {
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
    "email_proved": N_("The email address was confirmed"),
    "email_changed": N_("The email address was changed"),
    "language_changed": N_("The language was changed"),
    "authenticator_added": N_("An authenticator application was added"),
    "authenticator_removed": N_("The authenticator application was removed"),
    "recovery_codes_made": N_("New recovery codes were made"),
    "passkey_added": N_("A passkey was added"),
    "passkey_removed": N_("A passkey was removed"),
    "second_factor_reset": N_("Customer service switched the second step off"),
    "all_sessions_ended": N_("Customer service ended all sessions"),
    "account_blocked": N_("Customer service blocked the account"),
    "account_unblocked": N_("Customer service unblocked the account"),
    "seen_by_staff": N_("Customer service looked at your customer area, and changed nothing"),
    "money_held": N_("Orders and cards are held for 72 hours, for the account’s security"),
    "staff_sent_email": N_("Customer service sent an email again"),
    "staff_gave_email": N_("Customer service sent a link to another email address"),
    "staff_took_email_back": N_("Customer service took back the link to another email address"),
    "staff_set_vat_number": N_("Customer service set the VAT number"),
    "staff_suspended_service": N_("Customer service suspended a service"),
    "staff_resumed_service": N_("Customer service resumed a service"),
    "staff_ended_service": N_("Customer service ended a service"),
    "staff_retried_delivery": N_("Customer service tried a delivery again"),
    "staff_extended_order": N_("Customer service gave more time to pay an order"),
    "staff_cancelled_order": N_("Customer service cancelled an order"),
    "export_requested": N_("A copy of all data was asked for"),
    "passwords_downloaded": N_("A file of licences’ passwords was downloaded"),
    "export_downloaded": N_("A copy of all data was downloaded"),
}
"""The description of each kind of event (``msgid``)."""

SIGN_IN_METHODS: dict[str, str] = {
    "password": N_("with the password"),
    "totp": N_("with the password and a code of the application"),
    "recovery": N_("with the password and a recovery code"),
    "password_passkey": N_("with the password and a passkey"),
    "passkey": N_("with a passkey"),
    "registration": N_("on creating the account"),
}
"""The description of each sign-in method, the note of ``signed_in`` (``msgid``)."""

ALARMING = {
    "sign_in_failed", "second_step_failed", "identity_refused", "second_factor_reset",
    "account_blocked", "staff_gave_email", "money_held",
}  # fmt: skip
"""Kinds of events that are highlighted for the customer."""


@dataclass(frozen=True)
class Origin:
    """The IP address and browser of a request, "" if unknown.

    ``device`` is the token of the browser's long-lived cookie (`web.auth`).
    """

    ip_address: str = ""
    browser: str = ""
    device: str = ""


UNKNOWN = Origin()


def record(account: Account | None, kind: str, origin: Origin, note: str = "") -> None:
    """Add an event to the log, in the caller's transaction, and to the process's log.

    The latter holds no personal data: the number of the account leads to it.
    """
    assert kind in DESCRIPTIONS, kind
    means = {"means": note} if kind == "signed_in" else {}
    log.info("account_event", kind=kind, account=account.id if account else None, **means)
    AccountEvent.add(
        account=account,
        kind=kind,
        note=note[:255],
        ip_address=origin.ip_address[:45],
        browser=origin.browser[:255],
        at=clock.now(),
    )


def events_of_account(account: Account, before: int | None = None) -> ModelSelect[AccountEvent]:
    """Return the events of an account, newest first; those with a lower id than ``before``."""
    query = AccountEvent.select().where(AccountEvent.account == account)
    if before is not None:
        query = query.where(AccountEvent.id < before)
    return query.order_by(AccountEvent.id.desc())


def delete_old() -> int:
    """Delete events older than a year; return their number."""
    return int(AccountEvent.delete().where(AccountEvent.at < clock.now() - RETENTION).execute())
