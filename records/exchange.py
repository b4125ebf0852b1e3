"""Exchange services, their accounts, and the licences attached to them."""

from __future__ import annotations

from enum import StrEnum

from peewee import (
    AutoField,
    BlobField,
    BooleanField,
    CharField,
    Check,
    ForeignKeyField,
    IntegerField,
    TextField,
)

from records.accounts import Account
from records.base import MomentField, Table, one_of
from records.orders import Order
from records.seats import Seat


class ExchangeService(Table):
    """A customer's Exchange service: a set of mailboxes that some source tells us of.

    ``hidden_at`` says that the customer wants to see no more of Office Attach's banner.
    """

    is_used: bool  # whether Office Attach was, where that is asked for along with it

    id = AutoField()
    account = ForeignKeyField(Account, backref="exchange_services")
    name = CharField(max_length=64, unique=True)
    domain = CharField(max_length=253)
    created_at = MomentField()
    hidden_at = MomentField(null=True)

    class Meta:
        constraints = [Check("name <> ''"), Check("domain <> ''")]


class MailboxKind(StrEnum):
    """Whose a mailbox is: somebody's, or several people's."""

    PERSON = "person"
    SHARED = "shared"


class MailboxStatus(StrEnum):
    """Whether a mailbox is still there."""

    ACTIVE = "active"
    GONE = "gone"


class ExchangeAccount(Table):
    """A mailbox of an Exchange service, as its source last told; one that is gone is kept.

    ``folded`` is what it is found by and ``by_…`` what it is sorted by (see
    `shop.licences.seats.search_keys`).
    """

    id = AutoField()
    service = ForeignKeyField(ExchangeService, backref="accounts", index=False)
    address = CharField(max_length=254)
    first_name = CharField(max_length=255, default="")
    last_name = CharField(max_length=255, default="")
    kind = CharField(max_length=16)
    size_gb = IntegerField(null=True)
    status = CharField(max_length=16, default=MailboxStatus.ACTIVE)
    folded = TextField()
    by_address = BlobField()
    by_name = BlobField()

    class Meta:
        constraints = [
            one_of("kind", MailboxKind),
            one_of("status", MailboxStatus),
            Check("(kind = 'shared') = (first_name = '' AND last_name = '')"),
            Check("size_gb IS NULL OR size_gb > 0"),
        ]
        indexes = (
            (("service", "address"), True),
            (("service", "by_address"), False),
            (("service", "by_name"), False),
        )

    @property
    def full_name(self) -> str:
        """First and last name of whose it is; empty for a shared mailbox."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def is_active(self) -> bool:
        """Whether it is still there."""
        return self.status == MailboxStatus.ACTIVE


MOST_ATTACHED = 25
"""The most licences Office Attach activates in one go (guide)."""


class Attach(Table):
    """Office Attach used: once for each Exchange service, for at most 25 licences (guide).

    ``unit_price_cents`` is the price a month, excluding VAT, that was shown for the time after
    the free month, and ``renewal_accepted_at`` when the automatic renewal was accepted.
    """

    service_id: int  # what peewee adds beside the field
    order_id: int

    id = AutoField()
    service = ForeignKeyField(ExchangeService, unique=True, backref="attaches")
    order = ForeignKeyField(Order, unique=True, backref="+")
    licences = IntegerField()
    unit_price_cents = IntegerField()
    renewal_accepted_at = MomentField()

    class Meta:
        constraints = [
            Check("licences BETWEEN 1 AND 25"),
            Check("unit_price_cents >= 0"),
        ]


class AttachedAccount(Table):
    """A mailbox whose holder gets a licence: under which names and login, and seat ``number``.

    ``seat`` is there once the group is; ``tells_owner`` sends the credentials to the mailbox, too.
    """

    attach_id: int  # what peewee adds beside the field
    account_id: int
    seat_id: int | None

    id = AutoField()
    attach = ForeignKeyField(Attach, backref="accounts", index=False)
    account = ForeignKeyField(ExchangeAccount, unique=True, backref="+")
    number = IntegerField()
    first_name = CharField(max_length=255)
    last_name = CharField(max_length=255)
    login = CharField(max_length=20)
    login_key = CharField(max_length=20)
    tells_owner = BooleanField(default=False)
    seat = ForeignKeyField(Seat, null=True, unique=True, backref="+", on_delete="SET NULL")

    class Meta:
        constraints = [Check("number BETWEEN 1 AND 25")]
        indexes = (
            (("attach", "number"), True),
            (("attach", "login_key"), True),
        )
