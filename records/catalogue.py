"""What is sold: offers, prices with the day each takes effect, and contracts."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any

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

from records.base import JSONField, MomentField, Table, one_of
from records.languages import Language


class CatalogueVersion(Table):
    """What tells one state of offers, prices and contracts from another: one row.

    Triggers of those tables give it another random token in the transaction of each change.
    """

    id = IntegerField(primary_key=True)
    token = CharField(max_length=36)

    class Meta:
        constraints = [Check("id = 1")]


class Product(StrEnum):
    """What the Office provider sells; an offer is one of these at the shop's own terms."""

    BUSINESS = "business"
    PRO_PLUS = "pro_plus"


MOST_PLACES: dict[str, int] = {Product.BUSINESS: 300}
"""The most licences that the provider's groups of a product hold (guide); others have no limit."""


class Described:
    """What an offer says of itself and when it is on sale: of a row, and of a row with a price."""

    code: Any
    applications: Any
    on_sale_from: Any
    on_sale_until: Any

    @property
    def application_names(self) -> list[str]:
        """The applications that it contains, in the order in which pages show them."""
        return [name.strip() for name in self.applications.split(",") if name.strip()]

    @property
    def slug(self) -> str:
        """The name of its page in URLs."""
        return f"office-365-{self.code.replace('_', '-')}"

    def is_on_sale_on(self, day: date) -> bool:
        """Return whether new groups of it can be ordered on a day."""
        return self.was_on_sale_by(day) and not self.is_over_on(day)

    def was_on_sale_by(self, day: date) -> bool:
        """Return whether its sale had begun on a day; until then nobody knows of it."""
        return self.on_sale_from is not None and bool(self.on_sale_from <= day)

    def is_over_on(self, day: date) -> bool:
        """Return whether its sale had ended on a day."""
        return self.on_sale_until is not None and bool(self.on_sale_until <= day)


class Offer(Described, Table):
    """A kind of licence, under a code that is never used again: offers are never deleted.

    ``places_limit`` is the most a group may hold (guide: Business, 300), ``name_fr`` the French
    name where it differs. ``applications`` are separated by commas. It is on sale from the day
    ``on_sale_from`` on, and no longer from ``on_sale_until`` on (Paris). ``product`` is what the
    provider is asked for, and ``version`` counts the changes.
    """

    code = CharField(max_length=16, primary_key=True)
    name = CharField(max_length=64)
    places_limit = IntegerField(null=True)
    name_fr = CharField(max_length=64, default="")
    applications = TextField(default="")
    product = CharField(max_length=16, null=True)
    position = IntegerField(default=0)
    version = IntegerField(default=1)
    on_sale_from = DateField(null=True)
    on_sale_until = DateField(null=True)

    class Meta:
        constraints = [
            Check("places_limit IS NULL OR places_limit > 0"),
            one_of("product", Product),
            Check("on_sale_until IS NULL OR on_sale_from <= on_sale_until"),
        ]

    def name_in(self, language: str) -> str:
        """Return its name in a language."""
        return str(self.name_fr or self.name if language == Language.FRENCH else self.name)

    @property
    def provider_product(self) -> str:
        """What the provider is asked for."""
        return str(self.product or self.code)


class ChangeKind(StrEnum):
    """What kind of change of an offer it was."""

    ADDED = "added"
    DETAILS = "details"
    SALE = "sale"
    UNDONE = "undone"


class OfferChange(Table):
    """A change of an offer: the columns it changed, ``before`` and ``after``, who and why.

    ``version`` is that of the offer after the change.
    """

    id = AutoField()
    offer = ForeignKeyField(Offer, backref="changes")
    version = IntegerField()
    kind = CharField(max_length=16)
    before = JSONField()
    after = JSONField()
    by = CharField(max_length=32)
    reason = CharField(max_length=255)
    at = MomentField()

    class Meta:
        constraints = [one_of("kind", ChangeKind)]
        indexes = ((("offer", "version"), True),)


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
