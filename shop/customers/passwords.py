"""Passwords: hashing, verification, and reset when they are forgotten."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from peewee import Expression

from records.accounts import Account, LinkPurpose, OneTimeLink
from records.base import database
from shop import jobs, mail, settings
from shop.customers import (
    activity_log,
    allowances,
    email_proofs,
    known_origins,
    sessions,
    two_factor,
    weak_passwords,
)
from shop.customers.activity_log import UNKNOWN, Origin
from shop.customers.known_origins import Familiarity
from shop.customers.one_time_links import find_link, new_link, use_link, void_links
from shop.errors import N_, Refusal
from shop.security import rate_limits
from shop.settings import PerProcess
from shop.text.email_addresses import normalized
from shop.text.spelling import one_spelling

RESET_LENGTH = timedelta(hours=1)
LINKS_PER_JOB = 10
"""The number of accounts of one e-mail address handled by one job and transaction."""

MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_LENGTH = 256

PERSONAL = (
    "first_name", "last_name", "company", "email", "street", "postcode", "city", "siren",
    "vat_number",
)  # fmt: skip
"""The fields of an account whose words are no password."""


class Hashing:
    """Argon2id at a given cost; hashes of another cost are renewed on sign-in.

    ``dummy_hash`` is verified if there is no account, so that the response takes as long.
    """

    def __init__(self, memory_kib: int, passes: int) -> None:
        self.hasher = PasswordHasher(memory_cost=memory_kib, time_cost=passes, parallelism=1)
        self.dummy_hash = self.hasher.hash(secrets.token_urlsafe())


hashing = PerProcess[Hashing]()
"""The hashing parameters of this process."""


def hash_password(password: str) -> str:
    """Return the hash of a password, as stored."""
    return hashing().hasher.hash(one_spelling(password))


class SignInRefused(Refusal):
    """Wrong nic-handle or password; does not say which of them."""


class SeveralAccounts(Exception):
    """The password is right for several ``accounts`` of one e-mail address."""

    def __init__(self, accounts: list[Account]) -> None:
        super().__init__()
        self.accounts = accounts


# --- Rules -----------------------------------------------------------------------------------


def check_password(
    password: str, confirmation: str | None = None, words: Iterable[str] = ()
) -> None:
    """Raise a `Refusal` for a password that is too short or long, not confirmed, or weak.

    ``words`` are the customer's own (`words_of`), which others guess.
    """
    password = one_spelling(password)
    if len(password) < MIN_PASSWORD_LENGTH:
        raise Refusal(
            N_("Choose a password of at least %(length)d characters."),
            "password",
            length=MIN_PASSWORD_LENGTH,
        )
    if len(password) > MAX_PASSWORD_LENGTH:
        raise Refusal(
            N_("Choose a password of at most %(length)d characters."),
            "password",
            length=MAX_PASSWORD_LENGTH,
        )
    if confirmation is not None and password != one_spelling(confirmation):
        raise Refusal(N_("The two passwords are not the same."), "password_confirmation")
    weak_passwords.check_password(password, words)


def words_of(account: Account) -> list[str]:
    """Return the words by which others may guess a customer's password."""
    return [account.nic_handle, *(str(getattr(account, name)) for name in PERSONAL)]


# --- Signing in ------------------------------------------------------------------------------


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
        if _needs_rehash(account, password):
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
        account = Account.get_or_none(Account.nic_handle == identifier)
        return [_target(identifier, account, origin)]
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


def _target(name: str, account: Account | None, origin: Origin) -> _Target:
    return _Target(_guessed(name, account), account, _familiarity(name, origin))


def _record_failure(targets: list[_Target], origin: Origin) -> None:
    accounts: list[Account | None] = [each.account for each in targets if each.account]
    for account in accounts or [None]:
        activity_log.record(account, "sign_in_failed", origin)


def _opens(target: _Target, password: str) -> bool:
    account = target.account
    is_right = matches(account.password_hash if account else hashing().dummy_hash, password)
    return is_right and account is not None


def _not_blocked(accounts: list[Account]) -> list[Account]:
    """Return the accounts that can be signed in to. Raise `sessions.AccountBlocked` if none can."""
    open_ones = [each for each in accounts if not (each.blocked_at or each.closed_at)]
    if not open_ones:
        sessions.check_not_blocked(accounts[0])
    return open_ones or accounts[:1]


def _familiarity(nic_handle: str, origin: Origin) -> Familiarity:
    return known_origins.familiarity(known_origins.ids_of(Account.nic_handle == nic_handle), origin)


def _guessed(nic_handle: str, account: Account | None) -> str:
    return f"{nic_handle} {account.password_hash if account else ''}"


def _needs_rehash(account: Account, password: str) -> bool:
    """Return whether the hash has another cost, or is of another spelling of the password."""
    if hashing().hasher.check_needs_rehash(account.password_hash):
        return True
    is_other = _bounded(password) != one_spelling(_bounded(password))
    return is_other and not _verifies(account.password_hash, one_spelling(password))


def _rehash(account: Account, password: str) -> None:
    """Store the password's hash at the current cost, unless the password has changed since then."""
    known = (Account.id == account.id) & (Account.password_hash == account.password_hash)
    renewed = hash_password(password)
    if Account.update(password_hash=renewed).where(known).execute():
        account.password_hash = renewed
        return
    now = Account.get_by_id(account.id).password_hash
    if matches(now, password):
        # A concurrent sign-in with the same password renewed the hash first.
        account.password_hash = now


def reauthenticate(
    account: Account, password: str, origin: Origin, field: str = "password"
) -> None:
    """Verify a signed-in customer's password again, before a sensitive action.

    Raise `SignInRefused` at ``field`` for a wrong password, `rate_limits.RateLimited` after too
    many attempts.
    """
    known = _familiarity(account.nic_handle, origin)
    subject = _guessed(account.nic_handle, account)
    allowances.count(allowances.CONFIRMATION, subject, origin, known)
    if not matches(account.password_hash, password):
        activity_log.record(account, "identity_refused", origin)
        raise SignInRefused(N_("This is not your current password."), field)
    allowances.reset(allowances.CONFIRMATION, subject, origin, known)


def is_of(account: Account, password: str) -> bool:
    """Return whether this is the account's password."""
    return matches(account.password_hash, password)


def matches(password_hash: str, password: str) -> bool:
    """Return whether ``password`` is the one of a hash, in its one spelling or as it was typed.

    Hashes stored before passwords had one spelling are of what was typed.
    """
    typed = _bounded(password)
    spellings = dict.fromkeys([one_spelling(typed), typed])
    return any(_verifies(password_hash, each) for each in spellings)


def _bounded(password: str) -> str:
    """Return as much of a password as decides: in NFC it may be a third as long."""
    return password[: 3 * (MAX_PASSWORD_LENGTH + 1)]


def _verifies(password_hash: str, password: str) -> bool:
    try:
        return hashing().hasher.verify(password_hash, password[: MAX_PASSWORD_LENGTH + 1])
    except (VerificationError, InvalidHashError):
        return False


# --- Reset -----------------------------------------------------------------------------------


def request_reset(identifier: str, ip_address: str, base_url: str, device: str = "") -> None:
    """Send a one-time link for a nic-handle, or for each account of an e-mail address.

    Neither the response nor its duration reveals whether an account exists: a worker looks up the
    accounts. Raise `rate_limits.RateLimited` after too many requests from here. After too many
    from unknown networks together no further e-mail is sent; the links of those sent within the
    hour still work, so that strangers cannot keep the customer from a reset.
    """
    identifier, origin = normalized(identifier), Origin(ip_address, device=device)
    accounts = known_origins.ids_of(_identified_by(identifier))
    known = known_origins.familiarity(accounts, origin)
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
    account.password_hash = hash_password(password)
    account.save()
    sessions.end_others(account, keep_session)
    void_links(account)
    two_factor.discard_unconfirmed(account)
    mail.password_changed(account)
