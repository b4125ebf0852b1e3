"""Cards stored for renewals, and their registration without a payment."""

from __future__ import annotations

from enum import StrEnum

from peewee import AutoField, CharField, Check, ForeignKeyField, IntegerField

from records.accounts import Account
from records.base import JSONField, MomentField, StateMachine, Table, one_of


class Card(Table):
    """A card stored with the customer's consent: the bank's mandate, and details to show."""

    account_id: int  # added by Peewee; declared for mypy

    id = AutoField()
    account = ForeignKeyField(Account, backref="cards")
    mandate = CharField(max_length=128, unique=True)
    brand = CharField(max_length=32)
    last4 = CharField(max_length=4)
    expiry_month = IntegerField()
    expiry_year = IntegerField()
    consented_at = MomentField()
    removed_at = MomentField(null=True)

    class Meta:
        constraints = [Check("expiry_month BETWEEN 1 AND 12")]


class CardSetupStatus(StrEnum):
    """The status of a card's registration at the bank."""

    OPEN = "open"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    CLOSED = "closed"


CARD_SETUP_MOVES: dict[str, set[str]] = {
    CardSetupStatus.OPEN: {
        CardSetupStatus.PROCESSING,
        CardSetupStatus.SUCCEEDED,
        CardSetupStatus.DECLINED,
        CardSetupStatus.CLOSED,
    },
    CardSetupStatus.PROCESSING: {
        CardSetupStatus.SUCCEEDED,
        CardSetupStatus.DECLINED,
        CardSetupStatus.CLOSED,
    },
    # As with payments, a bank may report a success after a failure.
    CardSetupStatus.DECLINED: {CardSetupStatus.SUCCEEDED},
    CardSetupStatus.CLOSED: {CardSetupStatus.SUCCEEDED},
    CardSetupStatus.SUCCEEDED: set(),
}


class CardSetup(StateMachine):
    """The registration of a card at the bank, which charges nothing for it.

    ``back_to`` is the page of the shop that the customer came from and returns to, and ``typed``
    the values they had entered there. ``key`` is the idempotency key of the call to the bank.
    """

    event_subject = "card_setup"
    moves = CARD_SETUP_MOVES

    id = AutoField()
    account = ForeignKeyField(Account, backref="card_setups")
    status = CharField(max_length=16, default=CardSetupStatus.OPEN)
    key = CharField(max_length=64, unique=True)
    checkout = CharField(max_length=128, null=True, unique=True)
    checkout_url = CharField(max_length=1024, default="")
    back_to = CharField(max_length=1024)
    typed = JSONField(default=dict)
    reason = CharField(max_length=64, default="")
    created_at = MomentField()
    settled_at = MomentField(null=True)

    class Meta:
        constraints = [one_of("status", CardSetupStatus)]

    @property
    def has_succeeded(self) -> bool:
        """Whether the card is registered."""
        return self.status == CardSetupStatus.SUCCEEDED

    @property
    def is_unsettled(self) -> bool:
        """Whether the bank has not reported the outcome yet."""
        return self.status in {CardSetupStatus.OPEN, CardSetupStatus.PROCESSING}
