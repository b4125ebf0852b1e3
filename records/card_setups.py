"""The registration of cards at the bank, without a payment."""

from __future__ import annotations

from enum import StrEnum

from peewee import AutoField, CharField, ForeignKeyField

from records.accounts import Account
from records.base import JSONField, MomentField, StateMachine, one_of
from records.groups import LicenceGroup


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
    the values they had entered there. ``group`` is the service whose renewals the card is
    registered for, if it is registered on that service's page. ``key`` is the idempotency key of
    the call to the bank.
    """

    event_subject = "card_setup"
    moves = CARD_SETUP_MOVES

    group_id: int | None  # added by Peewee; declared for mypy

    id = AutoField()
    account = ForeignKeyField(Account, backref="card_setups")
    group = ForeignKeyField(LicenceGroup, null=True, backref="+", index=False)
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
