"""What is sold: offers, prices with the day each takes effect, and contracts."""

from __future__ import annotations

from peewee import (
    AutoField,
    BlobField,
    CharField,
    Check,
    DateField,
    ForeignKeyField,
    IntegerField,
    TextField,
)

from records.base import MomentField, Table, one_of
from records.languages import Language


class CatalogueVersion(Table):
    """What tells one state of offers, prices and contracts from another: one row.

    Triggers of those tables give it another random token in the transaction of each change.
    """

    id = IntegerField(primary_key=True)
    token = CharField(max_length=36)

    class Meta:
        constraints = [Check("id = 1")]


class Offer(Table):
    """A kind of licence; ``places_limit`` is the most a group may hold (guide: Business, 300)."""

    code = CharField(max_length=16, primary_key=True)
    name = CharField(max_length=64)
    places_limit = IntegerField(null=True)

    class Meta:
        constraints = [Check("places_limit IS NULL OR places_limit > 0")]


class Price(Table):
    """The price of a licence for a month, excluding VAT, valid from a moment on."""

    offer_id: str  # added by Peewee; declared for mypy

    id = AutoField()
    offer = ForeignKeyField(Offer, backref="prices")
    amount_cents = IntegerField()
    currency = CharField(max_length=3, default="EUR")
    valid_from = MomentField()

    class Meta:
        constraints = [Check("amount_cents >= 0"), Check("currency = 'EUR'")]
        indexes = ((("offer", "valid_from"), True),)


class Contract(Table):
    """One version of one contract in one language; never changed, never deleted.

    It applies from ``applies_on`` on, or from its publication where that is empty.
    """

    id = AutoField()
    kind = CharField(max_length=32)
    version = IntegerField()
    language = CharField(max_length=2)
    title = CharField(max_length=255)
    body = TextField()
    digest = CharField(max_length=64)
    published_at = MomentField()
    applies_on = DateField(null=True)

    class Meta:
        constraints = [Check("version > 0"), one_of("language", Language)]
        indexes = ((("kind", "language", "version"), True),)


class ContractFile(Table):
    """The PDF of a contract under the shop's name, made once."""

    id = AutoField()
    contract = ForeignKeyField(Contract, backref="files")
    shop_name = CharField(max_length=255)
    content = BlobField()
    made_at = MomentField()

    class Meta:
        indexes = ((("contract", "shop_name"), True),)
