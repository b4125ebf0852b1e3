"""The interface of a payment gateway, and its data types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar


class CheckoutStatus(StrEnum):
    """The status of a checkout at the bank."""

    OPEN = "open"  # the customer may still enter a card
    PROCESSING = "processing"  # a card was entered, the outcome is not known yet
    SUCCEEDED = "succeeded"  # the money was taken (or, for a registration, the card is stored)
    DECLINED = "declined"  # the card was declined; this checkout is over
    CLOSED = "closed"  # ended without a card: by the shop, by the customer, or expired


@dataclass(frozen=True)
class CheckoutRequest:
    """Take ``amount_cents`` (0: only store a card) from a customer who is present.

    ``key`` is the idempotency key: the same key always returns the same checkout.
    ``return_url`` is where the bank redirects the browser afterwards, whatever the outcome.
    ``store_card`` asks the bank to store the card for off-session charges.
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
    """Take ``amount_cents`` from a stored card without the customer (an off-session charge)."""

    key: str
    mandate: str
    amount_cents: int
    currency: str
    reference: str
    description: str
    notification_url: str


@dataclass(frozen=True)
class Mandate:
    """A card stored at the bank: its reference there, and the details that may be shown."""

    reference: str
    brand: str
    last4: str
    expiry_month: int
    expiry_year: int


@dataclass(frozen=True)
class Checkout:
    """The bank's answer: its own ``reference``, the ``url`` to pay at, and the status.

    ``reason`` is a code when declined: ``card_declined``, ``authentication_failed``,
    ``insufficient_funds``, ``expired_card`` or ``mandate_revoked``. ``card_country`` is the country
    of the bank that issued the card (ISO 3166), "" if it is not told.
    """

    reference: str
    status: CheckoutStatus
    amount_cents: int
    currency: str
    url: str = ""
    mandate: Mandate | None = None
    reason: str = ""
    card_country: str = ""


class RefundState(StrEnum):
    """The state of a refund at the bank."""

    PENDING = "pending"  # accepted, and not done yet
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # the money did not arrive, and is back


@dataclass(frozen=True)
class Refund:
    """A refund of a checkout or charge, with the bank's own reference and its present state.

    ``checkout`` is the reference of what is refunded; ``key`` is the idempotency key with which
    the shop asked for it, "" if it did not (it was made in the bank's dashboard). ``reason`` is the
    bank's code for a failure.
    """

    reference: str
    amount_cents: int
    state: RefundState = RefundState.SUCCEEDED
    checkout: str = ""
    key: str = ""
    reason: str = ""


class DisputeState(StrEnum):
    """The state of a dispute at the bank."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True)
class Dispute:
    """A payment that its cardholder contests, with the bank's own reference and present state.

    ``withdrawn_cents`` is what the bank has taken from the shop for it and not given back.
    """

    reference: str
    checkout: str
    amount_cents: int
    state: DisputeState = DisputeState.OPEN
    withdrawn_cents: int = 0
    reason: str = ""


@dataclass(frozen=True)
class CardChange:
    """A stored card that changed at the bank; ``card`` is None where it was removed or revoked."""

    reference: str
    card: Mandate | None


@dataclass(frozen=True)
class Notification:
    """A webhook message from the bank, its signature verified: its ``subject`` changed."""

    event: str
    subject: Checkout | Refund | Dispute | CardChange


class PayoutState(StrEnum):
    """The state of a payout at the bank."""

    PENDING = "pending"  # announced, or on its way
    PAID = "paid"
    FAILED = "failed"  # the seller's own bank did not take it: a later payout brings the money


@dataclass(frozen=True)
class Payout:
    """Money that the bank transfers to the seller's account; negative where it collects a debt.

    Its lines are final once ``lists_lines`` is true. It stays false for a payout that somebody
    began by hand (``is_automatic`` is false): the bank does not say what that is made of.
    ``reason`` is the bank's code for a failure.
    """

    reference: str
    amount_cents: int
    currency: str
    arrives_on: date
    created_at: datetime
    state: PayoutState = PayoutState.PENDING
    is_automatic: bool = True
    lists_lines: bool = True
    reason: str = ""


class PayoutLineKind(StrEnum):
    """What moved the seller's balance at the bank."""

    CHARGE = "charge"
    REFUND = "refund"  # positive where the money of a refund came back
    DISPUTE = "dispute"  # positive where the bank gave the money back
    FEE = "fee"  # of the bank's own, beside those of the other lines
    PAYOUT = "payout"  # the money of a payout that failed
    OTHER = "other"


@dataclass(frozen=True)
class PayoutLine:
    """A movement of the balance that a payout pays out: ``net_cents`` is gross less fee.

    ``source`` is the reference that the shop knows: of the checkout or charge, of the refund, of
    the dispute, or of the payout that failed; "" if there is none.
    """

    reference: str
    kind: PayoutLineKind
    gross_cents: int
    fee_cents: int
    source: str
    at: datetime
    description: str = ""

    @property
    def net_cents(self) -> int:
        """The part of the payout."""
        return self.gross_cents - self.fee_cents


Listed = TypeVar("Listed")


@dataclass(frozen=True)
class Batch(Generic[Listed]):
    """A part of a list of the bank's; ``after`` is what the next part begins after, "" at the
    end."""

    rows: list[Listed]
    after: str = ""


class PaymentGateway(Protocol):
    """A bank that takes cards.

    Every method raises `PartyUnavailable` when no valid answer came (retry with the same key) and
    `PartyRejected` when the bank refused.
    """

    def start_checkout(self, request: CheckoutRequest) -> Checkout:
        """Open a payment page for a customer."""

    def find_checkout(self, reference: str) -> Checkout:
        """Return a checkout or charge with its present status."""

    def close_checkout(self, reference: str) -> Checkout:
        """Close a checkout unless a card was entered; return it with its present status."""

    def charge(self, request: ChargeRequest) -> Checkout:
        """Charge a stored card; the outcome may also come later as a notification."""

    def refund(self, reference: str, amount_cents: int, key: str) -> Refund:
        """Refund money of a succeeded checkout; idempotent for a key.

        Return it with its present state: it may have failed. Raise `PartyRejected` where the bank
        does not begin it.
        """

    def find_refund(self, reference: str) -> Refund:
        """Return a refund with its present state."""

    def find_dispute(self, reference: str) -> Dispute:
        """Return a dispute with its present state."""

    def list_payouts(self, since: datetime, after: str = "") -> Batch[Payout]:
        """Return payouts created since a moment, the newest first."""

    def list_payout_lines(self, payout: str, after: str = "") -> Batch[PayoutLine]:
        """Return lines of a payout that lists them."""

    def forget_mandate(self, mandate: str) -> None:
        """Delete a stored card at the bank."""

    def read_notification(self, headers: Mapping[str, str], body: bytes) -> Notification | None:
        """Verify the signature of a notification and read it; None if it does not concern the shop.

        Raise `PartyRejected` when the signature is missing, wrong or too old.
        """
