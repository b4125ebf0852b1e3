"""Between the password and the second step: who has given one and owes the other."""

from __future__ import annotations

from datetime import timedelta

from records.accounts import Account, OneTimeLink
from records.base import database
from shop import clock
from shop.customers import activity_log, one_time_links, sessions
from shop.customers.activity_log import Origin
from shop.customers.two_factor import recovery_codes, totp
from shop.errors import N_, Refusal
from shop.security import encryption, rate_limits

PURPOSE = "second_step"
LENGTH = timedelta(minutes=10)


class SignInExpired(Refusal):
    """The password was given too long ago, or the second step is done already."""


def begin_pending(account: Account) -> str:
    """The password was right: a token for the second step, good for ten minutes.

    Raises `shop.customers.sessions.PasswordChanged`.
    """
    with database.atomic():
        sessions.hold(account)
        return one_time_links.new_link(account, PURPOSE, LENGTH)


def account_of(token: str) -> Account | None:
    """Who owes the second step under this token."""
    link = one_time_links.find_link(token, PURPOSE)
    return link.account if link else None


def _good(token: str) -> object:
    return (
        (OneTimeLink.token_digest == encryption.digest(token))
        & (OneTimeLink.purpose == PURPOSE)
        & OneTimeLink.used_at.is_null()
    )


def answer(token: str, code: str, origin: Origin) -> tuple[Account, str]:
    """Whom a code of the application, or a recovery code, signs in, and which of them it was.

    Raises `totp.WrongCode`, `rate_limits.RateLimited`, or `SignInExpired`.
    """
    account = account_of(token)
    if account is None:
        raise expired()
    count_try(account)
    try:
        with database.atomic():
            means = _check(account, code)
            finish(token)
    except totp.WrongCode:
        activity_log.record(account, "second_step_failed", origin)
        raise
    rate_limits.forget(rate_limits.SECOND_STEP_PER_ACCOUNT, "second-step", account.nic_handle)
    return account, means


def _check(account: Account, code: str) -> str:
    if not recovery_codes.looks_like_one(code):
        totp.check(account, code)
        return "totp"
    if not recovery_codes.use_code(account, code):
        raise totp.WrongCode(N_("This recovery code is not right, or was used already."), "code")
    return "recovery"


def count_try(account: Account) -> None:
    """Raise `rate_limits.RateLimited` when the second step was tried too often."""
    rate_limits.count_attempt(
        rate_limits.SECOND_STEP_PER_ACCOUNT, "second-step", account.nic_handle
    )
    rate_limits.count_attempt(
        rate_limits.SECOND_STEP_PER_DAY, "second-step-day", account.nic_handle
    )


def finish(token: str) -> None:
    """Use the token up; raises `SignInExpired` if somebody did already."""
    used = OneTimeLink.update(used_at=clock.now()).where(_good(token)).execute()
    if not used:
        raise expired()


def expired() -> SignInExpired:
    """The sentence for a second step that comes too late."""
    return SignInExpired(N_("The password was given too long ago. Log in again."), "code")
