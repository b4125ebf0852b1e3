"""What the shop asks of whoever takes cards: one small interface, whichever bank answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class CheckoutStatus(StrEnum):
    """Where a checkout stands at the bank."""

    OPEN = "open"  # the customer may still enter a card
    PROCESSING = "processing"  # a card was entered, the outcome is not known yet
    SUCCEEDED = "succeeded"  # the money is ours (or, for a set-up, the card is stored)
    DECLINED = "declined"  # the card was refused; this checkout is over
    CLOSED = "closed"  # ended without a card: by us, by the customer, or by time


@dataclass(frozen=True)
class CheckoutRequest:
    """Take ``amount_cents`` (0: only store a card) from a customer who is present.

    ``key`` makes the call safe to repeat: the same key always answers the same checkout.
    ``return_url`` is where the bank sends the browser afterwards, whatever happened.
    ``store_card`` asks the bank to keep the card for payments without the customer.
    """

    key: str
    amount_cents: int
    currency: str
    reference: str
    description: str
    language: str
    customer_email: str
    return_url: str
    notification_url: str
    store_card: bool


@dataclass(frozen=True)
class ChargeRequest:
    """Take ``amount_cents`` from a stored card while the customer is away."""

    key: str
    mandate: str
    amount_cents: int
    currency: str
    reference: str
    description: str
    notification_url: str


@dataclass(frozen=True)
class Mandate:
    """A card stored at the bank: its reference there, and what may be shown of it."""

    reference: str
    brand: str
    last4: str
    expiry_month: int
    expiry_year: int


@dataclass(frozen=True)
class Checkout:
    """The bank's answer: its own ``reference``, where the customer pays, and how it stands.

    ``reason`` is a machine word when declined: ``card_declined``, ``authentication_failed``,
    ``insufficient_funds``, ``expired_card`` or ``mandate_revoked``.
    """

    reference: str
    status: CheckoutStatus
    amount_cents: int
    currency: str
    url: str = ""
    mandate: Mandate | None = None
    reason: str = ""


@dataclass(frozen=True)
class Refund:
    """Money given back, by the bank's own reference."""

    reference: str
    amount_cents: int


@dataclass(frozen=True)
class Notification:
    """A message from the bank, its signature checked: ``checkout`` changed."""

    event: str
    checkout: Checkout


class PaymentGateway(Protocol):
    """Whoever takes cards. Every method raises `PartyUnavailable` when no proper answer came
    (ask again with the same key) and `PartyRejected` when the answer was no."""

    def start_checkout(self, request: CheckoutRequest) -> Checkout:
        """Open a payment page for a customer."""

    def find_checkout(self, reference: str) -> Checkout:
        """How a checkout or charge stands now."""

    def close_checkout(self, reference: str) -> Checkout:
        """Make sure that no card can be charged any more, if none was yet; say how it stands."""

    def charge(self, request: ChargeRequest) -> Checkout:
        """Charge a stored card; the outcome may also come later as a notification."""

    def refund(self, reference: str, amount_cents: int, key: str) -> Refund:
        """Give money of a succeeded checkout back; the same key gives it back once."""

    def forget_mandate(self, mandate: str) -> None:
        """Delete a stored card at the bank."""

    def read_notification(self, headers: Mapping[str, str], body: bytes) -> Notification | None:
        """Check the signature of a notification and read it; None if it concerns nothing of ours.

        Raises `PartyRejected` when the signature is missing, wrong or too old.
        """
