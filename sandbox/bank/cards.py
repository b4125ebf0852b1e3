"""Test cards: their numbers, how each behaves, and how the card form is validated.

The numbers are those that developers know from Stripe's test mode.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sandbox.languages import N_

ACCEPTED = "accepted"


@dataclass(frozen=True)
class Behaviour:
    """The outcome of a test card: at checkout, and at a later off-session charge.

    ``present`` and ``absent`` are `ACCEPTED` or the reason why the card is declined.
    """

    present: str = ACCEPTED
    absent: str = ACCEPTED
    authenticates: bool = False


BEHAVIOURS = {
    "accepted": Behaviour(),
    "declined": Behaviour(present="card_declined", absent="card_declined"),
    "authentication": Behaviour(authenticates=True),
    "insufficient_funds": Behaviour(present="insufficient_funds", absent="insufficient_funds"),
    "declined_later": Behaviour(absent="card_declined"),
    "expired": Behaviour(present="expired_card", absent="expired_card"),
}


@dataclass(frozen=True)
class TestCard:
    """A test card number and the behaviour that belongs to it."""

    number: str
    brand: str
    behaviour: str
    meaning: str

    @property
    def spaced(self) -> str:
        """The number as it is printed on a card."""
        parts = (4, 10, 15) if len(self.number) == 15 else (4, 8, 12, 16)
        starts = (0, *parts[:-1])
        return " ".join(self.number[a:b] for a, b in zip(starts, parts, strict=True))


TEST_CARDS = (
    TestCard("4242424242424242", "Visa", "accepted", N_("Accepted")),
    TestCard("4000000000000002", "Visa", "declined", N_("Declined")),
    TestCard("4000002500003155", "Visa", "authentication", N_("Asks for strong authentication")),
    TestCard("4000000000009995", "Visa", "insufficient_funds", N_("Insufficient funds")),
    TestCard("4000000000000069", "Visa", "expired", N_("Declined as expired")),
    TestCard("4000000000000341", "Visa", "declined_later", N_("Accepted now, declined later")),
    TestCard("5555555555554444", "Mastercard", "accepted", N_("Accepted")),
    TestCard("378282246310005", "American Express", "accepted", N_("Accepted (4-digit code)")),
)

_BY_NUMBER = {card.number: card for card in TEST_CARDS}


@dataclass(frozen=True)
class Card:
    """A test card with its expiry date, as the customer entered it."""

    known: TestCard
    expiry_month: int
    expiry_year: int

    @property
    def behaviour(self) -> Behaviour:
        """The behaviour of this card."""
        return BEHAVIOURS[self.known.behaviour]


def has_expired(month: int, year: int, today: date) -> bool:
    """Say whether a card has expired on ``today``; it is valid to the end of its month."""
    return (year, month) < (today.year, today.month)


def read_card(typed: Mapping[str, str], today: date) -> tuple[Card | None, dict[str, str]]:
    """Return the card entered in the form, or an error message for each invalid field."""
    number, number_problem = _read_number(typed.get("number", ""))
    expiry, expiry_problem = _read_expiry(typed.get("expiry", ""), today)
    amex = number is not None and len(number.number) == 15
    problems = {
        "number": number_problem,
        "expiry": expiry_problem,
        "code": _code_problem(typed.get("code", ""), amex),
    }
    problems = {field: sentence for field, sentence in problems.items() if sentence}
    if problems or number is None or expiry is None:
        return None, problems
    return Card(number, *expiry), {}


def _read_number(typed: str) -> tuple[TestCard | None, str]:
    digits = re.sub(r"[\s\u00a0\u202f.-]", "", typed)
    if not digits:
        return None, N_("Enter the card number.")
    if not (digits.isascii() and digits.isdigit() and 12 <= len(digits) <= 19 and luhn(digits)):
        return None, N_("This card number is not right: please check its digits.")
    if digits not in _BY_NUMBER:
        return None, N_("This is not a test card. No real card is taken here: use one of the list.")
    return _BY_NUMBER[digits], ""


def luhn(digits: str) -> bool:
    """Check the check digit of a card number (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _read_expiry(typed: str, today: date) -> tuple[tuple[int, int] | None, str]:
    if not typed.strip():
        return None, N_("Enter the expiry date.")
    found = re.fullmatch(r"(0?[1-9]|1[0-2])\s*[/.\s-]\s*(20)?([0-9]{2})", typed.strip())
    found = found or re.fullmatch(r"(0[1-9]|1[0-2])(20)?([0-9]{2})", typed.strip())
    if not found:
        return None, N_("Write the expiry date as month and year, for example 09/29.")
    month, year = int(found[1]), 2000 + int(found[3])
    if has_expired(month, year, today):
        return None, N_("This card has expired.")
    return (month, year), ""


def _code_problem(typed: str, amex: bool) -> str:
    code = typed.strip()
    if not code:
        return N_("Enter the security code.")
    if not (code.isascii() and code.isdigit() and len(code) in {3, 4}):
        return N_("The security code has 3 digits, or 4 on American Express cards.")
    if amex != (len(code) == 4):
        return N_("The security code has 3 digits, or 4 on American Express cards.")
    return ""
