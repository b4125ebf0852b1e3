"""Rules for the names, logins and passwords of seats' holders."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from records.seat_states import UNCONFIGURED_NAME
from shop.errors import N_, Refusal
from shop.text.names import read_name

LOGIN_LENGTHS = (3, 20)
PASSWORD_LENGTHS = (8, 16)
INITIAL_LENGTH = 16

_LOWER = "abcdefghijkmnopqrstuvwxyz"
_UPPER = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_DIGITS = "23456789"
_SIGNS = "-_.!?+*="
_ALL = _LOWER + _UPPER + _DIGITS + _SIGNS
"""The characters of generated passwords, without those that look alike in print."""


@dataclass(frozen=True)
class Person:
    """The validated holder of a seat; the login keeps its case."""

    first_name: str
    last_name: str
    login: str

    @property
    def login_key(self) -> str:
        """The login in lower case, as it is compared."""
        return self.login.lower()


class InvalidPerson(Exception):
    """The input does not describe a valid holder; ``refusals`` says why, field by field."""

    def __init__(self, refusals: list[Refusal]) -> None:
        super().__init__("; ".join(map(str, refusals)))
        self.refusals = refusals


def read_person(first_name: str, last_name: str, login: str) -> Person:
    """Return the validated person. Raises `InvalidPerson` with every refusal at its field."""
    refusals: list[Refusal] = []

    def read(reader: Callable[..., str], *typed: str) -> str:
        try:
            return reader(*typed)
        except Refusal as refusal:
            refusals.append(refusal)
            return ""

    person = Person(
        read(read_name, first_name, "first_name"),
        read(read_name, last_name, "last_name"),
        read(read_login, login),
    )
    if refusals:
        raise InvalidPerson(refusals)
    return person


def read_login(typed: str) -> str:
    """Return the login as it is stored (design). Raises `Refusal` at ``login``."""
    login = typed.strip().replace("’", "'")
    shortest, longest = LOGIN_LENGTHS
    if not login:
        raise Refusal(N_("Enter the login."), "login")
    if not re.fullmatch(r"[A-Za-z0-9_.'-]+", login):
        raise Refusal(
            N_("A login is made of letters without accents, digits and the signs - _ . ’"), "login"
        )
    if not shortest <= len(login) <= longest:
        raise Refusal(N_("A login has 3 to 20 characters."), "login")
    if login.startswith(".") or login.endswith(".") or ".." in login:
        raise Refusal(
            N_("A login does not begin or end with a dot, nor hold two of them in a row."), "login"
        )
    if login.lower() == UNCONFIGURED_NAME:
        raise Refusal(N_("This login stands for licences that are not configured."), "login")
    return login


def check_password(password: str, login: str) -> None:
    """Raise `Refusal` at ``password`` unless it follows the rules (design)."""
    shortest, longest = PASSWORD_LENGTHS
    if not shortest <= len(password) <= longest:
        raise Refusal(N_("A password has 8 to 16 characters."), "password")
    if not all(32 < ord(character) < 127 for character in password):
        raise Refusal(
            N_("A password is made of letters without accents, digits and signs, without spaces."),
            "password",
        )
    if not _is_mixed(password):
        raise Refusal(
            N_("A password holds a lower-case letter, an upper-case letter and a digit or sign."),
            "password",
        )
    if login.lower() in password.lower():
        raise Refusal(N_("A password does not contain the login."), "password")


def _is_mixed(password: str) -> bool:
    return bool(
        re.search(r"[a-z]", password)
        and re.search(r"[A-Z]", password)
        and re.search(r"[^A-Za-z]", password)
    )


def new_password(login: str) -> str:
    """Return a random password that follows the rules.

    It begins with a letter or a digit: in a file no spreadsheet takes it for a formula.
    """
    while True:
        password = "".join(secrets.choice(_ALL) for _ in range(INITIAL_LENGTH))
        if password[0].isalnum() and _is_mixed(password) and login.lower() not in password.lower():
            return password
