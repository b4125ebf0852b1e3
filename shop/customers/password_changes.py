"""A customer's password is changed, or reset when it is forgotten."""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import timedelta

from peewee import Expression

from records.accounts import Account, LinkPurpose, OneTimeLink
from records.base import database
from shop import jobs, mail, settings
from shop.customers import (
    activity_log,
    allowances,
    email_proofs,
    known_origins,
    passwords,
    sessions,
    two_factor,
)
from shop.customers.activity_log import UNKNOWN, Origin
from shop.customers.one_time_links import find_link, new_link, use_link, void_links
from shop.security import rate_limits
from shop.text.email_addresses import normalized

RESET_LENGTH = timedelta(hours=1)
LINKS_PER_JOB = 10
"""The number of accounts of one e-mail address handled by one job and transaction."""


def request_reset(identifier: str, ip_address: str, base_url: str, device: str = "") -> None:
    """Send a one-time link for a nic-handle, or for each account of an e-mail address.

    Neither the response nor its duration reveals whether an account exists: a worker looks up the
    accounts. Raise `rate_limits.RateLimited` after too many requests from here. After too many
    from unknown networks together no further e-mail is sent; the links of those sent within the
    hour still work, so that strangers cannot keep the customer from a reset.
    """
    identifier, origin = normalized(identifier), Origin(ip_address, device=device)
    known = known_origins.familiarity(identifier, origin)
    if not known.browser:
        rate_limits.count_attempt(
            rate_limits.RESET_PER_ADDRESS, "reset-from", rate_limits.network_of(ip_address)
        )
    allowances.count_own(allowances.RESET, identifier, origin, known)
    with suppress(rate_limits.RateLimited):
        allowances.count_strangers(allowances.RESET, identifier, known)
        _queue_reset_links(identifier, base_url, secrets.token_urlsafe(16), after=0)


def _identified_by(identifier: str) -> Expression:
    """Return the condition on accounts that a nic-handle or an e-mail address names."""
    return (Account.nic_handle == identifier) | (Account.email == identifier)


def _queue_reset_links(identifier: str, base_url: str, wish: str, after: int) -> None:
    send_reset_links.using(key=f"send_reset_links:{wish}:{after}").later(
        identifier=identifier, base_url=base_url, wish=wish, after=after
    )


@jobs.handles("send_reset_links", attempts=20, priority=jobs.Priority.AWAITED)
def send_reset_links(identifier: str, base_url: str, wish: str = "", after: int = 0) -> None:
    """Send an e-mail with a one-time link to each matching account, `LINKS_PER_JOB` per job.

    The accounts have an id above ``after``, oldest first. ``wish`` identifies the request.
    """
    wish = wish or secrets.token_urlsafe(16)
    matching = Account.select().where(_identified_by(identifier), Account.id > after)
    next_ones = matching.order_by(Account.id)
    with database.atomic():
        accounts = list(next_ones.limit(LINKS_PER_JOB))
        for account in accounts:
            _send_reset_link(account, base_url)
        if len(accounts) == LINKS_PER_JOB:
            _queue_reset_links(identifier, base_url, wish, accounts[-1].id)


def _send_reset_link(account: Account, base_url: str) -> None:
    """Send the link; to an address that is not proved yet, the link that proves it.

    The customer of a blocked or closed account gets none.
    """
    if account.blocked_at is not None or account.closed_at is not None:
        return
    if settings.current().smtp_url and account.email_proved_at is None:
        with suppress(rate_limits.RateLimited):
            email_proofs.request(account)
        return
    token = new_link(account, LinkPurpose.PASSWORD_RESET, RESET_LENGTH)
    mail.password_reset(account, f"{base_url}/{account.language}/password/{token}", token)


def find_reset(token: str) -> OneTimeLink | None:
    """Return the valid reset link of a token, or None."""
    return find_link(token, LinkPurpose.PASSWORD_RESET)


def reset_password(
    link: OneTimeLink, password: str, origin: Origin = UNKNOWN, *, keep_factors: bool = True
) -> bool:
    """Set a new password with a link and end all sessions; return False if the link was used.

    The link came from the customer's mailbox: their browser and network are known from now on.
    Without ``keep_factors``, second factors that an intruder may have added are removed.
    """
    with database.atomic():
        if not use_link(link):
            return False
        _set_password(link.account, password, "")
        if not keep_factors:
            two_factor.remove_doubtful(link.account, origin)
        known_origins.remember(link.account, origin)
        activity_log.record(link.account, "password_reset", origin)
        return True


def change_password(
    account: Account, password: str, keep_session: str = "", origin: Origin = UNKNOWN
) -> None:
    """Set a password; end other sessions, pending sign-ins and unused links."""
    with database.atomic():
        _set_password(account, password, keep_session)
        activity_log.record(account, "password_changed", origin)


def _set_password(account: Account, password: str, keep_session: str) -> None:
    account.password_hash = passwords.hash_password(password)
    account.save()
    sessions.end_others(account, keep_session)
    void_links(account)
    two_factor.discard_unconfirmed(account)
    mail.password_changed(account)
