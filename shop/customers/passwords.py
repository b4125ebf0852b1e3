"""Customers: becoming one, proving who one is, and getting back in."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from peewee import IntegrityError

from records.accounts import Account, OneTimeLink, VatStatus
from records.base import database
from shop import clock, jobs, mail
from shop.customers import activity_log, sessions
from shop.customers.activity_log import UNKNOWN, Origin
from shop.errors import N_, Refusal
from shop.security import encryption, rate_limits
from shop.text.email_addresses import normalized
from shop.text.folding import without_accents
from shop.vat import confirmation

RESET_LENGTH = timedelta(hours=1)
LINKS_AT_ONCE = 10
"""How many accounts of one e-mail address are written to in one transaction."""

DRAWS = 50
"""How often a free nic-handle is looked for; beyond that something else is wrong."""

PASSWORD_LENGTH = 8
PASSWORD_LONGEST = 256

_hasher = PasswordHasher(memory_cost=19456, time_cost=2, parallelism=1)
_nobody = _hasher.hash(secrets.token_urlsafe())


def set_hashing_cost(memory_kib: int, passes: int) -> None:
    """Set Argon2id's cost; older hashes are renewed when their owners sign in."""
    global _hasher, _nobody
    _hasher = PasswordHasher(memory_cost=memory_kib, time_cost=passes, parallelism=1)
    _nobody = _hasher.hash(secrets.token_urlsafe())


class SignInRefused(Refusal):
    """Wrong nic-handle or password; deliberately silent about which."""


@dataclass(frozen=True)
class Registration:
    """What a visitor gives to become a customer, already checked field by field."""

    first_name: str
    last_name: str
    email: str
    password: str
    street: str
    postcode: str
    city: str
    country: str
    language: str
    company: str = ""
    siren: str = ""
    vat_number: str = ""


# --- Becoming a customer ---------------------------------------------------------------------


def register(registration: Registration) -> Account:
    """Make an account with a nic-handle of its own, and the letter that says so."""
    fields = vars(registration) | {"email": normalized(registration.email)}
    del fields["password"]
    status = VatStatus.UNCONFIRMED if registration.vat_number else VatStatus.NONE
    password_hash = _hasher.hash(registration.password)
    for attempt in range(DRAWS):
        try:
            with database.atomic():
                account = Account.create(
                    nic_handle=_new_nic_handle(registration),
                    password_hash=password_hash,
                    vat_status=status,
                    created_at=clock.now(),
                    **fields,
                )
                confirmation.ask_about(account)
                mail.account_created(account)
                return account
        except IntegrityError:
            # Somebody else got the same five digits: draw again.
            if attempt == DRAWS - 1:
                raise
    raise AssertionError("unreachable")


def _new_nic_handle(registration: Registration) -> str:
    initials = _initial(registration.first_name) + _initial(registration.last_name)
    return f"{initials}{secrets.randbelow(100_000):05d}-ovh"


def _initial(name: str) -> str:
    """The first Latin letter of a name, without its accent; x where the script has none."""
    latin = filter(str.isascii, without_accents(name))
    return next(filter(str.isalpha, latin), "x")


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
    `limits.TooMany` when it was tried too often for this account or from this address.
    """
    nic_handle = nic_handle.strip().lower()
    rate_limits.count(
        rate_limits.SIGN_IN_PER_ADDRESS, "sign-in-from", rate_limits.network_of(address)
    )
    rate_limits.count(rate_limits.SIGN_IN_PER_ACCOUNT, "sign-in", nic_handle)
    account = Account.get_or_none(Account.nic_handle == nic_handle)
    if not _is_right(account.password_hash if account else _nobody, password) or not account:
        activity_log.record(account, "sign_in_failed", Origin(address, browser))
        raise SignInRefused(
            N_("This customer ID and password do not match. Check both and try again."), "password"
        )
    rate_limits.forget(rate_limits.SIGN_IN_PER_ACCOUNT, "sign-in", nic_handle)
    if _hasher.check_needs_rehash(account.password_hash):
        _rehash(account, password)
    return account


def _rehash(account: Account, password: str) -> None:
    """Keep the password at today's cost, unless it is another one by now."""
    known = (Account.id == account.id) & (Account.password_hash == account.password_hash)
    hashed = _hasher.hash(password)
    if Account.update(password_hash=hashed).where(known).execute():
        account.password_hash = hashed
        return
    now = Account.get_by_id(account.id).password_hash
    if _is_right(now, password):
        # Another tab was first, with the same password.
        account.password_hash = now


def prove(account: Account, password: str, origin: Origin, field: str = "password") -> None:
    """Let a signed-in customer prove again who they are, before something that matters.

    Raises `SignInRefused` at ``field`` for a wrong password, `limits.TooMany` for too many.
    """
    rate_limits.count(rate_limits.SIGN_IN_PER_ACCOUNT, "prove", account.nic_handle)
    if not _is_right(account.password_hash, password):
        activity_log.record(account, "identity_refused", origin)
        raise SignInRefused(N_("This is not your current password."), field)
    rate_limits.forget(rate_limits.SIGN_IN_PER_ACCOUNT, "prove", account.nic_handle)


def _is_right(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password[: PASSWORD_LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False


# --- Getting back in -------------------------------------------------------------------------


def ask_for_reset(identifier: str, address: str, base_url: str) -> None:
    """Have one-time links sent for a nic-handle, or for each account of an e-mail address.

    Silent about whether there is one, in what it says and in how long it takes: a worker looks
    for the accounts. Raises `limits.TooMany` when asked too often.
    """
    identifier = normalized(identifier)
    rate_limits.count(rate_limits.RESET_PER_ADDRESS, "reset-from", rate_limits.network_of(address))
    rate_limits.count(rate_limits.RESET_PER_ACCOUNT, "reset", identifier)
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


def new_link(account: Account, purpose: str, length: timedelta, carrying: str = "") -> str:
    """A token that works once, for ``length``; what it carries nobody can change (`carried`)."""
    token = secrets.token_urlsafe(32)
    if carrying:
        token += "." + base64.urlsafe_b64encode(carrying.encode()).decode().rstrip("=")
    now = clock.now()
    OneTimeLink.create(
        token_digest=encryption.digest(token),
        account=account,
        purpose=purpose,
        created_at=now,
        expires_at=now + length,
    )
    return token


def carried(token: str) -> str:
    """What the token of a link that was found carries."""
    text = token.partition(".")[2]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


def find_link(token: str, purpose: str) -> OneTimeLink | None:
    """The link of a token with its account, while it may still be used."""
    link = (
        OneTimeLink.select(OneTimeLink, Account)
        .join(Account)
        .where(
            OneTimeLink.token_digest == encryption.digest(token),
            OneTimeLink.purpose == purpose,
            OneTimeLink.used_at.is_null(),
        )
        .first()
    )
    return link if link and link.expires_at > clock.now() else None


def use_link(link: OneTimeLink) -> bool:
    """Use a link up, in the transaction of what it is for; False if somebody was first."""
    return bool(
        OneTimeLink.update(used_at=clock.now())
        .where(OneTimeLink.id == link.id, OneTimeLink.used_at.is_null())
        .execute()
    )


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
    account.password_hash = _hasher.hash(password)
    account.save()
    sessions.end_others(account, keep_session)
    void_links(account)
    mail.password_changed(account)


def forget_old_links() -> int:
    """Delete links that ran out more than a month ago; how many."""
    long_ago = clock.now() - timedelta(days=30)
    return int(OneTimeLink.delete().where(OneTimeLink.expires_at < long_ago).execute())


def void_links(account: Account) -> None:
    """Let no link sent before open anything, and no sign-in half done be finished."""
    OneTimeLink.update(used_at=clock.now()).where(
        OneTimeLink.account == account, OneTimeLink.used_at.is_null()
    ).execute()
