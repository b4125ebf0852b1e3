"""The bank's tables: checkouts, stored cards, refunds, ledger, payouts, outgoing notifications."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from peewee import (
    SQL,
    AutoField,
    BooleanField,
    Check,
    FloatField,
    ForeignKeyField,
    IntegerField,
    TextField,
)

from sandbox.database import Table


class Status(StrEnum):
    """The status of a checkout."""

    OPEN = "open"
    AUTHENTICATING = (
        "authenticating"  # a card was entered, the cardholder must confirm; public status: open
    )
    PROCESSING = "processing"  # the outcome is decided but not public yet
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    CLOSED = "closed"


NEXT: dict[str, set[str]] = {
    Status.OPEN: {Status.AUTHENTICATING, Status.PROCESSING, Status.CLOSED},
    Status.AUTHENTICATING: {Status.PROCESSING, Status.CLOSED},
    Status.PROCESSING: {Status.SUCCEEDED, Status.DECLINED},
    Status.SUCCEEDED: set(),
    Status.DECLINED: set(),
    Status.CLOSED: set(),
}
"""The legal transitions of a checkout or charge."""


class StoredCard(Table):
    """A mandate: a card stored, with the holder's consent, for off-session charges.

    ``behaviour`` says how the test card behaves; the card number is not stored.
    """

    reference = TextField(primary_key=True)
    brand = TextField()
    last4 = TextField()
    expiry_month = IntegerField()
    expiry_year = IntegerField()
    behaviour = TextField()
    created_at = FloatField()
    revoked_at = FloatField(null=True)


class Checkout(Table):
    """A payment page opened for a customer, or a charge of a stored card (``kind``)."""

    reference = TextField(primary_key=True)
    kind = TextField(constraints=[Check("kind IN ('checkout', 'charge')")])
    status = TextField(
        default=Status.OPEN,
        constraints=[
            Check(
                "status IN ('open', 'authenticating', 'processing', 'succeeded', 'declined',"
                " 'closed')"
            )
        ],
    )
    amount_cents = IntegerField(constraints=[Check("amount_cents >= 0")])
    currency = TextField()
    merchant_reference = TextField()
    description = TextField()
    language = TextField(default="fr")
    customer_email = TextField(default="")
    return_url = TextField(default="")
    notification_url = TextField()
    store_card = BooleanField(default=False)
    mandate = ForeignKeyField(StoredCard, null=True, backref="uses")
    behaviour = TextField(default="")
    brand = TextField(default="")
    last4 = TextField(default="")
    expiry_month = IntegerField(null=True)
    expiry_year = IntegerField(null=True)
    outcome = TextField(default="")
    reason = TextField(default="")
    card_country = TextField(default="")
    answer_at = FloatField(null=True)
    created_at = FloatField()
    expires_at = FloatField(null=True)
    settled_at = FloatField(null=True)

    class Meta:
        indexes = ((("status", "answer_at"), False), (("status", "expires_at"), False))

    @property
    def awaits_card(self) -> bool:
        """Whether the customer can still pay."""
        return self.status in {Status.OPEN, Status.AUTHENTICATING}

    @property
    def public_status(self) -> str:
        """The status in the API: while the cardholder must confirm, the checkout is open."""
        return Status.OPEN if self.status == Status.AUTHENTICATING else self.status


class RefundState(StrEnum):
    """The state of a refund."""

    PENDING = "pending"  # accepted; the money leaves when it is settled
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # the cardholder's bank does not take it: the money stays or is back


class Refund(Table):
    """A refund of a succeeded checkout.

    ``key`` is the merchant's idempotency key, "" for one made in the dashboard. A pending one is
    settled at ``due_at``, by the sandbox's clock, with the state ``outcome``.
    """

    reference = TextField(primary_key=True)
    checkout = ForeignKeyField(Checkout, backref="refunds")
    checkout_id: str
    amount_cents = IntegerField(constraints=[Check("amount_cents > 0")])
    created_at = FloatField()
    state = TextField(
        default=RefundState.SUCCEEDED,
        constraints=[Check("state IN ('pending', 'succeeded', 'failed')")],
    )
    outcome = TextField(default=RefundState.SUCCEEDED)
    due_at = FloatField(null=True)
    key = TextField(default="")
    reason = TextField(default="")


class DisputeState(StrEnum):
    """The state of a dispute."""

    OPEN = "open"
    WON = "won"  # by the merchant
    LOST = "lost"


class Dispute(Table):
    """A payment that the cardholder contests; one for each checkout."""

    reference = TextField(primary_key=True)
    checkout = ForeignKeyField(Checkout, backref="disputes", unique=True)
    checkout_id: str
    amount_cents = IntegerField(constraints=[Check("amount_cents > 0")])
    state = TextField(
        default=DisputeState.OPEN, constraints=[Check("state IN ('open', 'won', 'lost')")]
    )
    withdrawn_cents = IntegerField(default=0)
    reason = TextField()
    created_at = FloatField()


class UsedKey(Table):
    """An idempotency key: a hash of its parameters, and the reference that it created."""

    key = TextField(primary_key=True)
    fingerprint = TextField()
    reference = TextField()


class Entry(Table):
    """A ledger entry: it debits one account and credits another, so the books balance."""

    id = AutoField()
    at = FloatField()
    kind = TextField(
        constraints=[
            Check("kind IN ('payment', 'refund', 'refund_returned', 'withdrawal', 'reinstatement')")
        ]
    )
    debit = TextField()
    credit = TextField()
    amount_cents = IntegerField(constraints=[Check("amount_cents > 0")])
    currency = TextField()
    checkout = ForeignKeyField(Checkout, backref="entries")
    checkout_id: str
    refund = ForeignKeyField(Refund, null=True)

    class Meta:
        constraints = [
            Check("debit <> credit"),
            Check("(kind IN ('refund', 'refund_returned')) = (refund_id IS NOT NULL)"),
        ]
        indexes = ((("refund", "kind"), True),)


# The database guarantees one payment for each checkout.
Entry.add_index(
    Entry.index(Entry.checkout, unique=True, name="one_payment").where(SQL("kind = 'payment'"))
)


class PayoutState(StrEnum):
    """The state of a payout."""

    PENDING = "pending"  # on its way
    PAID = "paid"
    FAILED = "failed"  # the merchant's own bank did not take it: a later one brings the money


class Payout(Table):
    """A transfer of the merchant's balance, less fees, to the merchant's account elsewhere.

    It is done at ``arrives_at``, by the sandbox's clock.
    """

    id = AutoField()
    reference = TextField(unique=True)
    amount_cents = IntegerField(constraints=[Check("amount_cents > 0")])
    currency = TextField()
    state = TextField(
        default=PayoutState.PENDING, constraints=[Check("state IN ('pending', 'paid', 'failed')")]
    )
    reason = TextField(default="")
    created_at = FloatField(index=True)
    arrives_at = FloatField()


class Movement(Table):
    """A movement of the merchant's balance, which is part of one payout at last.

    ``source`` is the reference of the checkout, refund, dispute, or payout that failed.
    """

    id = AutoField()
    reference = TextField(unique=True)
    kind = TextField(constraints=[Check("kind IN ('charge', 'refund', 'dispute', 'payout')")])
    gross_cents = IntegerField()
    fee_cents = IntegerField(default=0)
    currency = TextField()
    source = TextField()
    at = FloatField()
    payout = ForeignKeyField(Payout, null=True, backref="movements")


Movement.add_index(
    Movement.index(Movement.at, name="movements_held").where(SQL("payout_id IS NULL"))
)


class Letter(Table):
    """A notification in the outbox; all copies of one have the same ``event``."""

    id = AutoField()
    event = TextField(index=True)
    checkout = ForeignKeyField(Checkout, backref="letters")
    kind = TextField()
    copy = IntegerField(default=1)
    url = TextField()
    body = TextField()
    created_at = FloatField()
    due_at = FloatField()
    attempts = IntegerField(default=0)
    last_error = TextField(default="")
    delivered_at = FloatField(null=True)
    given_up_at = FloatField(null=True)

    class Meta:
        indexes = ((("event", "copy"), True),)


Letter.add_index(
    Letter.index(Letter.due_at, name="letters_under_way").where(
        SQL("delivered_at IS NULL AND given_up_at IS NULL")
    )
)

TABLES: list[type[Any]] = [
    StoredCard, Checkout, Refund, Dispute, UsedKey, Entry, Payout, Movement, Letter,
]  # fmt: skip
