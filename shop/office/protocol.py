"""The Office provider's interface, implemented by the sandbox and Microsoft Graph adapters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable


class OperationStatus(StrEnum):
    """The status of an operation at the provider."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class Operation:
    """The provider's answer to a call: accepted first, settled later.

    ``key`` is the caller's idempotency key. If it failed, ``reason`` is the provider's message in
    English and ``code`` its error code (``no_free_seat``, ``address_taken``, …), from which the
    shop makes a message in the customer's language. ``result`` holds references that the caller
    stores (``tenant``, ``user``).
    """

    key: str
    status: OperationStatus
    reason: str = ""
    result: dict[str, str] = field(default_factory=dict)
    code: str = ""


@dataclass(frozen=True)
class Person:
    """The holder of a seat; ``address`` is the e-mail address ``login@<group domain>``."""

    address: str
    first_name: str
    last_name: str
    language: str


@dataclass(frozen=True)
class Holdings:
    """What a group has at the provider: its licences, and the people who have one of them."""

    licences: int
    people: int


MOST_SIGN_INS = 100
"""The number of accounts whose sign-ins one call asks for."""


class SignInsUnknown(Exception):
    """The provider does not tell when people sign in, of a group or of any; the reason is its own.

    Nobody must be taken for idle then.
    """


@runtime_checkable
class LicenceCounter(Protocol):
    """A provider that can be asked what a group has there; not every provider can."""

    def count_licences(self, domain: str) -> Holdings | None:
        """Return the licences of a group; None if it has none there, or was deleted."""


@runtime_checkable
class StockCounter(Protocol):
    """A provider whose licences are bought in advance, and run out."""

    def licences_left(self) -> dict[str, int]:
        """Return the number of licences that no one has yet, by product."""


class OfficeProvider(Protocol):
    """An Office provider. Every call carries an idempotency ``key``: repeated with the same key, it
    returns the same operation, even if the first answer was lost. All methods raise
    `PartyUnavailable` if there was no valid answer and `PartyRejected` if the call was refused.
    """

    def create_tenant(self, key: str, domain: str, offer: str, seats: int) -> Operation:
        """Install a licence group of ``seats`` places under ``domain``."""

    def resize_tenant(self, key: str, domain: str, seats: int) -> Operation:
        """Change the number of places of a group."""

    def suspend_tenant(self, key: str, domain: str, reason: str) -> Operation:
        """Block the group's users at the portal, showing ``reason``, until it is resumed."""

    def resume_tenant(self, key: str, domain: str) -> Operation:
        """Unblock the users of a suspended group."""

    def delete_tenant(self, key: str, domain: str) -> Operation:
        """Delete a group and the access of all its users."""

    def create_user(self, key: str, domain: str, person: Person, password: str) -> Operation:
        """Create an account with a licence of the group."""

    def update_user(self, key: str, domain: str, user: str, person: Person) -> Operation:
        """Change the name or e-mail address of the account ``user``."""

    def set_password(self, key: str, domain: str, user: str, password: str) -> Operation:
        """Replace an account's password; the old one stops working at once."""

    def delete_user(self, key: str, domain: str, user: str) -> Operation:
        """Delete the account and free its licence."""

    def find_operation(self, key: str) -> Operation | None:
        """Return the current state of the operation with this key; None if the key is unknown.

        The caller then makes the call, possibly for a second time: it is idempotent.
        """

    def last_sign_ins(self, domain: str, users: Sequence[str]) -> dict[str, datetime | None]:
        """Return when accounts of a group last signed in, by reference; None for "never".

        An account that the group does not have is left out; at most `MOST_SIGN_INS` are asked for.
        Raise `SignInsUnknown` where the provider does not tell.
        """
