"""Customers sign in with a password, and repeat it before a sensitive action."""

from __future__ import annotations

from dataclasses import dataclass

from peewee import ModelSelect

from records.accounts import Account
from shop.customers import (
    activity_log,
    allowances,
    email_proofs,
    known_origins,
    passwords,
    sessions,
)
from shop.customers.activity_log import Origin
from shop.customers.known_origins import Familiarity
from shop.errors import N_, Refusal
from shop.sql.prepared import prepared
from shop.text.email_addresses import normalized


class SignInRefused(Refusal):
    """Wrong nic-handle or password; does not say which of them."""


class SeveralAccounts(Exception):
    """The password is right for several ``accounts`` of one e-mail address."""

    def __init__(self, accounts: list[Account]) -> None:
        super().__init__()
        self.accounts = accounts


def sign_in(
    identifier: str, password: str, ip_address: str, browser: str = "", device: str = ""
) -> Account:
    """Return the account if the password is right; a second step may follow (`two_factor`).

    ``identifier`` is a nic-handle, or an e-mail address: raise `SeveralAccounts` if it owns several
    accounts with this password. Raise `SignInRefused` for a wrong one, after the same time whether
    there is an account or not, `sessions.AccountBlocked` if the operator has blocked it, and
    `rate_limits.RateLimited` after too many attempts from this IP address, or at this account from
    where they come (`allowances`).
    """
    origin = Origin(ip_address, browser, device)
    targets = _targets(identifier, origin)
    familiar = max((target.known for target in targets), key=lambda known: known.browser)
    allowances.count_network(origin, familiar)
    for target in targets:
        allowances.count(allowances.PASSWORD, target.subject, origin, target.known)
    opened = [target for target in targets if _opens(target, password)]
    if not opened:
        _record_failure(targets, origin)
        raise SignInRefused(
            N_("This customer ID and password do not match. Check both and try again."), "password"
        )
    accounts = _not_blocked([target.account for target in opened if target.account])
    for target in opened:
        allowances.reset(allowances.PASSWORD, target.subject, origin, target.known)
    for account in accounts:
        if passwords.needs_rehash(account, password):
            _rehash(account, password)
    if len(accounts) > 1:
        raise SeveralAccounts(accounts)
    return accounts[0]


@dataclass(frozen=True)
class _Target:
    """What a password is verified against; without an account, the dummy's hash.

    ``subject`` is what guesses are counted for: this password of this account. A new password is
    guessed from the start, so its counts start at zero.
    """

    subject: str
    account: Account | None
    known: Familiarity


MOST_TARGETS = email_proofs.MOST_PROVED
"""The accounts of an e-mail address that a password is verified for, dummies included."""


def _targets(identifier: str, origin: Origin) -> list[_Target]:
    """Return what a password typed with ``identifier`` may open.

    Their number depends on the kind of identifier alone, so that the time of the answer says
    nothing about accounts. Of an address with more accounts the open and proved ones come first.
    """
    identifier = normalized(identifier)
    if "@" not in identifier:
        return [_target(identifier, _of_nic_handle.first(identifier), origin)]
    found = list(
        Account.select()
        .where(Account.email == identifier)
        .order_by(
            Account.closed_at.is_null(False),
            Account.email_proved_at.is_null(),
            Account.id,
        )
        .limit(MOST_TARGETS)
    )
    names = [account.nic_handle for account in found]
    names += [f"{identifier} {place}" for place in range(len(found), MOST_TARGETS)]
    accounts = [*found, *[None] * (MOST_TARGETS - len(found))]
    return [_target(name, account, origin) for name, account in zip(names, accounts, strict=True)]


@prepared
def _of_nic_handle(nic_handle: str) -> ModelSelect[Account]:
    return Account.select().where(Account.nic_handle == nic_handle)


def _target(name: str, account: Account | None, origin: Origin) -> _Target:
    return _Target(_guessed(name, account), account, known_origins.familiarity(name, origin))


def _record_failure(targets: list[_Target], origin: Origin) -> None:
    accounts: list[Account | None] = [each.account for each in targets if each.account]
    for account in accounts or [None]:
        activity_log.record(account, "sign_in_failed", origin)


def _opens(target: _Target, password: str) -> bool:
    account = target.account
    is_right = passwords.matches(
        account.password_hash if account else passwords.hashing().dummy_hash, password
    )
    return is_right and account is not None


def _not_blocked(accounts: list[Account]) -> list[Account]:
    """Return the accounts that can be signed in to. Raise `sessions.AccountBlocked` if none can."""
    open_ones = [each for each in accounts if not (each.blocked_at or each.closed_at)]
    if not open_ones:
        sessions.check_not_blocked(accounts[0])
    return open_ones or accounts[:1]


def _guessed(nic_handle: str, account: Account | None) -> str:
    return f"{nic_handle} {account.password_hash if account else ''}"


def _rehash(account: Account, password: str) -> None:
    """Store the password's hash at the current cost, unless the password has changed since then."""
    known = (Account.id == account.id) & (Account.password_hash == account.password_hash)
    renewed = passwords.hash_password(password)
    if Account.update(password_hash=renewed).where(known).execute():
        account.password_hash = renewed
        return
    now = Account.get_by_id(account.id).password_hash
    if passwords.matches(now, password):
        # A concurrent sign-in with the same password renewed the hash first.
        account.password_hash = now


def reauthenticate(
    account: Account, password: str, origin: Origin, field: str = "password"
) -> None:
    """Verify a signed-in customer's password again, before a sensitive action.

    Raise `SignInRefused` at ``field`` for a wrong password, `rate_limits.RateLimited` after too
    many attempts.
    """
    known = known_origins.familiarity(account.nic_handle, origin)
    subject = _guessed(account.nic_handle, account)
    allowances.count(allowances.CONFIRMATION, subject, origin, known)
    if not passwords.is_of(account, password):
        activity_log.record(account, "identity_refused", origin)
        raise SignInRefused(N_("This is not your current password."), field)
    allowances.reset(allowances.CONFIRMATION, subject, origin, known)
