"""Customers, who is signed in where, and the links sent to them."""

from __future__ import annotations

from enum import StrEnum

from peewee import AutoField, CharField, Check, ForeignKeyField, IntegerField

from records.base import MomentField, Table, one_of
from records.languages import Language


class VatStatus(StrEnum):
    """What is known of a customer's VAT number."""

    NONE = "none"
    UNCONFIRMED = "unconfirmed"  # not asked yet, or the registry is silent
    CONFIRMED = "confirmed"
    UNKNOWN = "unknown"  # the registry does not know it


class Account(Table):
    """A customer, known by a nic-handle."""

    id = AutoField()
    nic_handle = CharField(max_length=20, unique=True)
    email = CharField(max_length=254, index=True)
    password_hash = CharField(max_length=255)
    first_name = CharField(max_length=255)
    last_name = CharField(max_length=255)
    company = CharField(max_length=255, default="")
    siren = CharField(max_length=9, default="")
    vat_number = CharField(max_length=20, default="")
    vat_status = CharField(max_length=16, default=VatStatus.NONE)
    street = CharField(max_length=255)
    postcode = CharField(max_length=16, default="")
    city = CharField(max_length=255)
    country = CharField(max_length=2)
    language = CharField(max_length=2, default=Language.FRENCH)
    created_at = MomentField()

    class Meta:
        constraints = [
            one_of("vat_status", VatStatus),
            one_of("language", Language),
            Check("(vat_status = 'none') = (vat_number = '')"),
        ]

    @property
    def full_name(self) -> str:
        """First and last name, as letters address the customer."""
        return f"{self.first_name} {self.last_name}"

    @property
    def awaits_vat_confirmation(self) -> bool:
        """Whether the registry has not answered yet for the VAT number."""
        return self.vat_status == VatStatus.UNCONFIRMED

    @property
    def is_business(self) -> bool:
        """Whether a company orders: it may reverse-charge, and cannot withdraw like a consumer."""
        return bool(self.company)


class Session(Table):
    """One signed-in browser; ending the row ends the session, wherever its cookie is."""

    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    account = ForeignKeyField(Account, backref="sessions", on_delete="CASCADE")
    created_at = MomentField()
    seen_at = MomentField()
    expires_at = MomentField()
    ended_at = MomentField(null=True)
    address = CharField(max_length=45)
    browser = CharField(max_length=255, default="")
    confirmed_at = MomentField(null=True)
    """When the customer last proved in this session who they are."""


class OneTimeLink(Table):
    """A link sent by letter that works once: what it is for, and until when.

    ``payload`` is what its use confirms, a new e-mail address.
    """

    account_id: int  # what peewee adds beside the field

    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    account = ForeignKeyField(Account, backref="links", on_delete="CASCADE")
    purpose = CharField(max_length=32)
    payload = CharField(max_length=255, default="")
    created_at = MomentField()
    expires_at = MomentField()
    used_at = MomentField(null=True)


class RateCount(Table):
    """How often something was tried in a window of time (sign-in, registration, reset)."""

    key = CharField(max_length=255, primary_key=True)
    count = IntegerField()
    expires_at = MomentField(index=True)
