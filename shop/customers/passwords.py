"""Passwords: the rules for new ones, hashing and verification."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from records.accounts import Account
from shop.customers import weak_passwords
from shop.errors import N_, Refusal
from shop.settings import PerProcess
from shop.text.spelling import one_spelling

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


def needs_rehash(account: Account, password: str) -> bool:
    """Return whether the hash has another cost, or is of another spelling of the password."""
    if hashing().hasher.check_needs_rehash(account.password_hash):
        return True
    is_other = _bounded(password) != one_spelling(_bounded(password))
    return is_other and not _verifies(account.password_hash, one_spelling(password))
