"""Passwords: how they are kept, proved, and replaced when they are forgotten."""

from __future__ import annotations

import secrets
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from records.accounts import Account, OneTimeLink
from records.base import database
from shop import jobs, mail
from shop.customers import activity_log, sessions
from shop.customers.activity_log import UNKNOWN, Origin
from shop.customers.one_time_links import find_link, new_link, use_link, void_links
from shop.errors import N_, Refusal
from shop.security import rate_limits
from shop.settings import PerProcess
from shop.text.email_addresses import normalized

RESET_LENGTH = timedelta(hours=1)
LINKS_AT_ONCE = 10
"""How many accounts of one e-mail address are written to in one transaction."""

PASSWORD_LENGTH = 8
PASSWORD_LONGEST = 256


class Hashing:
    """Argon2id at one cost; hashes of another are renewed when their owners sign in.

    ``of_no_account`` is checked against where there is no account, so that it takes as long.
    """

    def __init__(self, memory_kib: int, passes: int) -> None:
        self.hasher = PasswordHasher(memory_cost=memory_kib, time_cost=passes, parallelism=1)
        self.of_no_account = self.hasher.hash(secrets.token_urlsafe())


hashing = PerProcess[Hashing]()
"""How passwords are hashed in this process."""


def hashed(password: str) -> str:
    """A password as it is kept."""
    return hashing().hasher.hash(password)


class SignInRefused(Refusal):
    """Wrong nic-handle or password; deliberately silent about which."""


# --- Choosing one ----------------------------------------------------------------------------


def check_password(password: str, confirmation: str | None = None) -> None:
    """Raise a `Refusal` for a password that is too short, too long or not confirmed."""
    if len(password) < PASSWORD_LENGTH:
        raise Refusal(
            N_("Choose a password of at least %(length)d characters."),
            "password",
            length=PASSWORD_LENGTH,
        )
    if len(password) > PASSWORD_LONGEST:
        raise Refusal(
            N_("Choose a password of at most %(length)d characters."),
            "password",
            length=PASSWORD_LONGEST,
        )
    if confirmation is not None and password != confirmation:
        raise Refusal(N_("The two passwords are not the same."), "password_confirmation")


# --- Signing in ------------------------------------------------------------------------------


def sign_in(nic_handle: str, password: str, address: str, browser: str = "") -> Account:
    """The account, if the password is right; a second step may still be due (`second_factor`).

    Raises `SignInRefused` otherwise, after the same work whether the account exists or not, and
    `rate_limits.RateLimited` when it was tried too often for this account or from this address.
    """
    nic_handle = nic_handle.strip().lower()
    rate_limits.count_attempt(
        rate_limits.SIGN_IN_PER_ADDRESS, "sign-in-from", rate_limits.network_of(address)
    )
    rate_limits.count_attempt(rate_limits.SIGN_IN_PER_ACCOUNT, "sign-in", nic_handle)
    account = Account.get_or_none(Account.nic_handle == nic_handle)
    if (
        not _is_right(account.password_hash if account else hashing().of_no_account, password)
        or not account
    ):
        activity_log.record(account, "sign_in_failed", Origin(address, browser))
        raise SignInRefused(
            N_("This customer ID and password do not match. Check both and try again."), "password"
        )
    rate_limits.forget(rate_limits.SIGN_IN_PER_ACCOUNT, "sign-in", nic_handle)
    if hashing().hasher.check_needs_rehash(account.password_hash):
        _rehash(account, password)
    return account


def _rehash(account: Account, password: str) -> None:
    """Keep the password at today's cost, unless it is another one by now."""
    known = (Account.id == account.id) & (Account.password_hash == account.password_hash)
    renewed = hashed(password)
    if Account.update(password_hash=renewed).where(known).execute():
        account.password_hash = renewed
        return
    now = Account.get_by_id(account.id).password_hash
    if _is_right(now, password):
        # Another tab was first, with the same password.
        account.password_hash = now


def prove(account: Account, password: str, origin: Origin, field: str = "password") -> None:
    """Let a signed-in customer prove again who they are, before something that matters.

    Raises `SignInRefused` at ``field`` for a wrong password, `rate_limits.RateLimited` after too
    many.
    """
    rate_limits.count_attempt(rate_limits.SIGN_IN_PER_ACCOUNT, "prove", account.nic_handle)
    if not _is_right(account.password_hash, password):
        activity_log.record(account, "identity_refused", origin)
        raise SignInRefused(N_("This is not your current password."), field)
    rate_limits.forget(rate_limits.SIGN_IN_PER_ACCOUNT, "prove", account.nic_handle)


def _is_right(password_hash: str, password: str) -> bool:
    try:
        return hashing().hasher.verify(password_hash, password[: PASSWORD_LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False


# --- Getting back in -------------------------------------------------------------------------


def request_reset(identifier: str, address: str, base_url: str) -> None:
    """Have one-time links sent for a nic-handle, or for each account of an e-mail address.

    Silent about whether there is one, in what it says and in how long it takes: a worker looks
    for the accounts. Raises `rate_limits.RateLimited` when asked too often.
    """
    identifier = normalized(identifier)
    rate_limits.count_attempt(
        rate_limits.RESET_PER_ADDRESS, "reset-from", rate_limits.network_of(address)
    )
    rate_limits.count_attempt(rate_limits.RESET_PER_ACCOUNT, "reset", identifier)
    _ask_for_links(identifier, base_url, secrets.token_urlsafe(16), after=0)


def _ask_for_links(identifier: str, base_url: str, wish: str, after: int) -> None:
    send_reset_links.using(key=f"send_reset_links:{wish}:{after}").later(
        identifier=identifier, base_url=base_url, wish=wish, after=after
    )


@jobs.handles("send_reset_links", attempts=20, priority=jobs.Priority.AWAITED)
def send_reset_links(identifier: str, base_url: str, wish: str = "", after: int = 0) -> None:
    """Write a letter with a one-time link to each account meant, so many in one go: those whose
    number is above ``after``, oldest first. ``wish`` is what the customer asked for, once.
    """
    wish = wish or secrets.token_urlsafe(16)
    known = (Account.nic_handle == identifier) | (Account.email == identifier)
    next_ones = Account.select().where(known, Account.id > after).order_by(Account.id)
    with database.atomic():
        meant = list(next_ones.limit(LINKS_AT_ONCE))
        for account in meant:
            token = new_link(account, "password_reset", RESET_LENGTH)
            mail.password_reset(account, f"{base_url}/{account.language}/password/{token}", token)
        if len(meant) == LINKS_AT_ONCE:
            _ask_for_links(identifier, base_url, wish, meant[-1].id)


def find_reset(token: str) -> OneTimeLink | None:
    """The reset link of a token, while it may still be used."""
    return find_link(token, "password_reset")


def reset_password(link: OneTimeLink, password: str, origin: Origin = UNKNOWN) -> bool:
    """Set a new password by a link, once; every session ends. False if the link was used."""
    with database.atomic():
        if not use_link(link):
            return False
        _set_password(link.account, password, "")
        activity_log.record(link.account, "password_reset", origin)
        return True


def change_password(
    account: Account, password: str, keep_session: str = "", origin: Origin = UNKNOWN
) -> None:
    """Set a password; other sessions, sign-ins half done and unused links end."""
    with database.atomic():
        _set_password(account, password, keep_session)
        activity_log.record(account, "password_changed", origin)


def _set_password(account: Account, password: str, keep_session: str) -> None:
    account.password_hash = hashed(password)
    account.save()
    sessions.end_others(account, keep_session)
    void_links(account)
    mail.password_changed(account)
