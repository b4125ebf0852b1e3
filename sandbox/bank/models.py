"""What the bank keeps: checkouts, stored cards, refunds, its books and its outgoing mail."""

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
    """Where a checkout stands."""

    OPEN = "open"
    AUTHENTICATING = "authenticating"  # a card was entered, its holder must confirm; still open
    PROCESSING = "processing"  # the outcome is decided but not told yet
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
"""The legal moves of a checkout or charge."""


class StoredCard(Table):
    """A mandate: a card kept, by its holder's consent, for payments without the holder.

    ``behaviour`` says how this test card behaves; the number itself is never kept.
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
    mandate_id: str | None
    behaviour = TextField(default="")
    brand = TextField(default="")
    last4 = TextField(default="")
    expiry_month = IntegerField(null=True)
    expiry_year = IntegerField(null=True)
    outcome = TextField(default="")
    reason = TextField(default="")
    answer_at = FloatField(null=True)
    created_at = FloatField()
    expires_at = FloatField(null=True)
    settled_at = FloatField(null=True)

    class Meta:
        indexes = ((("status", "answer_at"), False), (("status", "expires_at"), False))

    @property
    def awaits_card(self) -> bool:
        """Whether the customer may still pay here."""
        return self.status in {Status.OPEN, Status.AUTHENTICATING}

    @property
    def public_status(self) -> str:
        """The status as others see it: a customer asked to confirm has not paid yet."""
        return Status.OPEN if self.status == Status.AUTHENTICATING else self.status


class Refund(Table):
    """Money of a succeeded checkout given back."""

    reference = TextField(primary_key=True)
    checkout = ForeignKeyField(Checkout, backref="refunds")
    checkout_id: str
    amount_cents = IntegerField(constraints=[Check("amount_cents > 0")])
    created_at = FloatField()


class UsedKey(Table):
    """An idempotency key: what was asked with it, and what it made."""

    key = TextField(primary_key=True)
    fingerprint = TextField()
    reference = TextField()


class Entry(Table):
    """One movement in the books, from one account to another, so that they always balance."""

    id = AutoField()
    at = FloatField()
    kind = TextField(constraints=[Check("kind IN ('payment', 'refund')")])
    debit = TextField()
    credit = TextField()
    amount_cents = IntegerField(constraints=[Check("amount_cents > 0")])
    currency = TextField()
    checkout = ForeignKeyField(Checkout, backref="entries")
    checkout_id: str
    refund = ForeignKeyField(Refund, null=True, unique=True)

    class Meta:
        constraints = [
            Check("debit <> credit"),
            Check("(kind = 'refund') = (refund_id IS NOT NULL)"),
        ]


# One payment a checkout, whatever the code above believes.
Entry.add_index(
    Entry.index(Entry.checkout, unique=True, name="one_payment").where(SQL("kind = 'payment'"))
)


class Letter(Table):
    """A notification on its way to the shop; ``event`` is the same on a second copy."""

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

TABLES: list[type[Any]] = [StoredCard, Checkout, Refund, UsedKey, Entry, Letter]
