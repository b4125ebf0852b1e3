"""Pending sign-ins: the password was right, the second step is still required."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from records.accounts import Account, LinkPurpose, OneTimeLink
from records.base import database
from shop import clock
from shop.customers import activity_log, allowances, known_origins, one_time_links, sessions
from shop.customers.activity_log import Origin
from shop.customers.two_factor import recovery_codes, totp
from shop.errors import N_, Refusal
from shop.security import encryption

VALIDITY = timedelta(minutes=10)


class SignInExpired(Refusal):
    """The pending sign-in has expired, or was completed already."""


def begin_pending(account: Account) -> str:
    """Start a pending sign-in; return its token, valid for ten minutes.

    Raise `shop.customers.sessions.PasswordChanged`.
    """
    with database.atomic():
        sessions.lock_password(account)
        return one_time_links.new_link(account, LinkPurpose.SECOND_STEP, VALIDITY)


def pending_account(token: str) -> Account | None:
    """Return the account whose sign-in is pending under this token, or None."""
    link = one_time_links.find_link(token, LinkPurpose.SECOND_STEP)
    return link.account if link else None


def pending_accounts(tokens: list[str]) -> dict[str, Account]:
    """Return the accounts whose sign-in is pending under one of ``tokens``, by their tokens."""
    by_digest = {encryption.digest(token): token for token in tokens}
    links = (
        OneTimeLink.select(OneTimeLink, Account)
        .join(Account)
        .where(
            OneTimeLink.token_digest.in_(list(by_digest)),
            OneTimeLink.purpose == LinkPurpose.SECOND_STEP,
            OneTimeLink.used_at.is_null(),
            OneTimeLink.expires_at > clock.now(),
        )
        .order_by(Account.id)
    )
    return {by_digest[link.token_digest]: link.account for link in links}


def _is_valid(token: str) -> object:
    return (
        (OneTimeLink.token_digest == encryption.digest(token))
        & (OneTimeLink.purpose == LinkPurpose.SECOND_STEP)
        & OneTimeLink.used_at.is_null()
    )


def verify_code(token: str, code: str, origin: Origin) -> tuple[Account, str]:
    """Complete a sign-in with a code of the application or a recovery code.

    Return the account and the method (``totp`` or ``recovery``). Raise `totp.WrongCode`,
    `rate_limits.RateLimited`, or `SignInExpired`.
    """
    account = pending_account(token)
    if account is None:
        raise sign_in_expired()
    return account, check_code(account, code, origin, lambda: finish_pending(token))


def check_code(
    account: Account, code: str, origin: Origin, then: Callable[[], object] = lambda: None
) -> str:
    """Accept a code of the application or a recovery code, once; return the method.

    ``then`` is done in the same transaction. Raise `totp.WrongCode` or `rate_limits.RateLimited`.
    """
    known = known_origins.familiarity(account.nic_handle, origin)
    allowances.count(allowances.SECOND_STEP, account.nic_handle, origin, known)
    try:
        with database.atomic():
            means = _check(account, code)
            then()
    except totp.WrongCode:
        activity_log.record(account, "second_step_failed", origin)
        raise
    allowances.reset(allowances.SECOND_STEP, account.nic_handle, origin, known)
    return means


def _check(account: Account, code: str) -> str:
    if not recovery_codes.looks_like_code(code):
        totp.check_code(account, code)
        return "totp"
    if not recovery_codes.use_code(account, code):
        raise totp.WrongCode(N_("This recovery code is not right, or was used already."), "code")
    return "recovery"


def finish_pending(token: str) -> None:
    """Mark the token as used. Raise `SignInExpired` if it is no longer valid."""
    used = OneTimeLink.update(used_at=clock.now()).where(_is_valid(token)).execute()
    if not used:
        raise sign_in_expired()


def sign_in_expired() -> SignInExpired:
    """Return the error for a pending sign-in that is no longer valid."""
    return SignInExpired(N_("The password was given too long ago. Log in again."), "code")
