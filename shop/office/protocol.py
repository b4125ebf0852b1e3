"""What the shop asks of whoever runs Office: one small interface, whichever provider answers it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class OperationStatus(StrEnum):
    """Where an operation stands at the provider."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class Operation:
    """The provider's answer to a call: accepted first, settled later.

    ``key`` is the caller's; ``reason`` is the provider's sentence when failed, in English, and
    ``code`` the machine word for it (``no_free_seat``, ``address_taken``, …) by which the shop
    may say it in the customer's language; ``result`` holds references the caller keeps
    (``tenant``, ``user``).
    """

    key: str
    status: OperationStatus
    reason: str = ""
    result: dict[str, str] = field(default_factory=dict)
    code: str = ""


@dataclass(frozen=True)
class Person:
    """Who a seat is for; ``address`` is ``login@<group domain>``."""

    address: str
    first_name: str
    last_name: str
    language: str


class OfficeProvider(Protocol):
    """Whoever runs Office. Every call carries its own ``key`` and may be repeated with it: the
    same key always answers the same operation, even if the first answer was lost. All methods
    raise `PartyUnavailable` when no proper answer came and `PartyRejected` when it was no.
    """

    def create_tenant(self, key: str, domain: str, offer: str, seats: int) -> Operation:
        """Install a licence group of ``seats`` places under ``domain``."""

    def resize_tenant(self, key: str, domain: str, seats: int) -> Operation:
        """Change the number of places of a group."""

    def suspend_tenant(self, key: str, domain: str, reason: str) -> Operation:
        """Refuse the group's people at the portal, with ``reason``, until it is resumed."""

    def resume_tenant(self, key: str, domain: str) -> Operation:
        """Let the people of a suspended group in again."""

    def delete_tenant(self, key: str, domain: str) -> Operation:
        """End a group and everybody's access in it."""

    def create_user(self, key: str, domain: str, person: Person, password: str) -> Operation:
        """Give a person an account and a licence of the group."""

    def update_user(self, key: str, domain: str, user: str, person: Person) -> Operation:
        """Change the name or address of the account ``user``."""

    def set_password(self, key: str, domain: str, user: str, password: str) -> Operation:
        """Replace an account's password; the old one stops working at once."""

    def delete_user(self, key: str, domain: str, user: str) -> Operation:
        """Take the account and its licence away."""

    def find_operation(self, key: str) -> Operation | None:
        """How the operation with this key stands now; None if the provider does not know the key.

        Then the call is made with it, now or again: what was done already is not done twice.
        """
