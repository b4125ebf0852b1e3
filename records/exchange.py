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
    """A customer's Exchange service: a set of mailboxes, as imported from some source.

    ``hidden_at`` is when the customer dismissed Office Attach's banner.
    """

    is_used: bool  # whether Office Attach was used; only where the query selects it

    id = AutoField()
    account = ForeignKeyField(Account, backref="exchange_services")
    name = CharField(max_length=64, unique=True)
    domain = CharField(max_length=253)
    created_at = MomentField()
    hidden_at = MomentField(null=True)

    class Meta:
        constraints = [Check("name <> ''"), Check("domain <> ''")]


class MailboxKind(StrEnum):
    """Whether a mailbox belongs to one person or is shared."""

    PERSON = "person"
    SHARED = "shared"


class MailboxStatus(StrEnum):
    """Whether a mailbox still exists."""

    ACTIVE = "active"
    GONE = "gone"


class ExchangeAccount(Table):
    """A mailbox of an Exchange service, as last imported; one that no longer exists is kept.

    ``folded`` is its search key and ``by_…`` are its sort keys (`shop.licences.seats.search_keys`).
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
        """First and last name of the holder; empty for a shared mailbox."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def local_part(self) -> str:
        """What stands before the @ of the address."""
        return self.address.partition("@")[0]

    @property
    def is_active(self) -> bool:
        """Whether the mailbox still exists."""
        return self.status == MailboxStatus.ACTIVE


MOST_ATTACHED = 25
"""The most licences Office Attach activates in one go (guide)."""


class Attach(Table):
    """A use of Office Attach: once for each Exchange service, for at most 25 licences (guide).

    ``unit_price_cents`` is the monthly price, excluding VAT, shown for the time after the free
    month; ``renewal_accepted_at`` is when the automatic renewal was accepted.
    """

    service_id: int  # added by Peewee; declared for mypy
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
    """A mailbox whose holder gets a licence: names and login to use, and the seat's ``number``.

    ``seat`` is empty until the group has been made; with ``tells_owner`` the credentials also go to
    the mailbox.
    """

    account_id: int  # added by Peewee; declared for mypy
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
