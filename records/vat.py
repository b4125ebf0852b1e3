"""What is on record about the VAT of customers: consultations of VIES, and proofs of countries."""

from __future__ import annotations

from enum import StrEnum

from peewee import SQL, AutoField, BooleanField, CharField, ForeignKeyField, TextField

from records.accounts import Account
from records.base import MomentField, Table, one_of
from records.invoices import Invoice
from records.orders import Order


class VatAnswer(StrEnum):
    """What the registry said of a number."""

    CONFIRMED = "confirmed"
    UNKNOWN = "unknown"


class VatCheck(Table):
    """A consultation of the registry (VIES) that was answered; never changed, but accepted.

    ``consultation`` is the registry's own number of it, which proves that it was made. ``name``
    and ``address`` are the company's as registered, "" where its country keeps them back;
    ``company`` is the name that the customer gave. ``is_fitting`` says whether the names agree,
    None where nothing can be compared. ``accepted_at`` is when the operator found them to agree.
    """

    account_id: int  # added by Peewee; declared for mypy

    id = AutoField()
    account = ForeignKeyField(Account, backref="vat_checks", index=False)
    vat_number = CharField(max_length=20)
    answer = CharField(max_length=16)
    company = CharField(max_length=255, default="")
    name = CharField(max_length=255, default="")
    address = TextField(default="")
    consultation = CharField(max_length=64, default="")
    is_fitting = BooleanField(null=True)
    asked_at = MomentField()
    accepted_at = MomentField(null=True)

    class Meta:
        constraints = [one_of("answer", VatAnswer)]
        indexes = ((("account", "id"), False),)


MISFITS = "NOT is_fitting AND accepted_at IS NULL"
"""The condition of an index, which queries repeat word for word."""

VatCheck.add_index(VatCheck.index(VatCheck.id, name="vat_check_misfit").where(SQL(MISFITS)))


class ProofKind(StrEnum):
    """A kind of proof of a customer's country (regulation 282/2011, article 24f)."""

    ADDRESS = "address"  # the billing address
    NETWORK = "network"  # the IP address from which the contracts were accepted
    CARD = "card"  # the country of the bank that issued the card


class PlaceProof(Table):
    """A proof of the country of a consumer, for an order or the invoice of a renewal.

    ``country`` is an ISO 3166 code, "" where the proof does not name one: that of an IP address is
    looked up when it is needed. ``detail`` is what proves it: a postcode, an IP address.
    """

    account_id: int  # added by Peewee; declared for mypy
    order_id: int | None
    invoice_id: int | None

    id = AutoField()
    account = ForeignKeyField(Account, backref="place_proofs")
    order = ForeignKeyField(Order, backref="place_proofs", null=True, index=False)
    invoice = ForeignKeyField(Invoice, backref="place_proofs", null=True, index=False)
    kind = CharField(max_length=16)
    country = CharField(max_length=2, default="")
    detail = CharField(max_length=64, default="")
    recorded_at = MomentField()

    class Meta:
        constraints = [one_of("kind", ProofKind)]
        indexes = ((("order", "kind"), True), (("invoice", "kind"), True))

    @property
    def sale(self) -> str:
        """The document that it is kept for, as the operator names it."""
        if self.order is not None:
            return f"order {self.order.number}"
        return f"invoice {self.invoice.number}" if self.invoice is not None else ""
