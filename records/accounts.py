"""Customers, their sessions and one-time links, and the counters of rate limits."""

from __future__ import annotations

from enum import StrEnum

from peewee import SQL, AutoField, BooleanField, CharField, Check, ForeignKeyField, IntegerField

from records.base import MomentField, Table, one_of
from records.languages import Language


class VatStatus(StrEnum):
    """Whether the registry (VIES) confirmed a customer's VAT number."""

    NONE = "none"
    UNCONFIRMED = "unconfirmed"  # not checked yet, or the registry does not answer
    CONFIRMED = "confirmed"
    UNKNOWN = "unknown"  # not in the registry


class Account(Table):
    """A customer, identified by a nic-handle."""

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
    email_proved_at = MomentField(null=True)
    """When a link sent to ``email`` was followed; until then other e-mails wait."""
    blocked_at = MomentField(null=True)
    """When the operator blocked the account; nobody can sign in to it."""
    blocked_reason = CharField(max_length=255, null=True)
    """Why, as the customer is told at the sign-in; empty if the operator gave no reason."""
    money_held_until = MomentField(null=True)
    """Until when nothing is ordered and no card registered (`shop.customers.holds`)."""
    closed_at = MomentField(null=True)
    """When the account was closed for good; nobody can sign in to it."""
    erased_at = MomentField(null=True)
    """When the personal data of the account were erased (`shop.personal_data`)."""

    form_digest = CharField(max_length=64, null=True, unique=True)
    """By which form the customer registered; sent again, it makes no second account."""

    class Meta:
        constraints = [
            one_of("vat_status", VatStatus),
            one_of("language", Language),
            Check("(vat_status = 'none') = (vat_number = '')"),
        ]

    @property
    def full_name(self) -> str:
        """First and last name, as e-mails address the customer; "" once they are erased."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def awaits_vat_confirmation(self) -> bool:
        """Whether the registry has not answered yet for the VAT number."""
        return self.vat_status == VatStatus.UNCONFIRMED

    @property
    def is_vat_number_unknown(self) -> bool:
        """Whether the registry does not know the VAT number."""
        return self.vat_status == VatStatus.UNKNOWN

    @property
    def is_business(self) -> bool:
        """Whether the customer is a company: reverse charge may apply, there is no withdrawal."""
        return bool(self.company)


Account.add_index(
    Account.index(Account.created_at, Account.id, name="account_not_erased").where(
        SQL("erased_at IS NULL")
    )
)

WITH_VAT_NUMBER = "vat_status = 'confirmed'"
"""The condition of an index, which queries repeat word for word."""

Account.add_index(
    Account.index(Account.id, name="account_with_vat_number").where(SQL(WITH_VAT_NUMBER))
)


class Session(Table):
    """A session of a browser; setting ``ended_at`` ends it, even if copies of its cookie remain."""

    account_id: int  # added by Peewee; declared for mypy

    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    account = ForeignKeyField(Account, backref="sessions", on_delete="CASCADE")
    created_at = MomentField()
    seen_at = MomentField()
    expires_at = MomentField(index=True)
    ended_at = MomentField(null=True)
    ip_address = CharField(column_name="address", max_length=45)
    browser = CharField(max_length=255, default="")
    confirmed_at = MomentField(null=True)
    """When the customer last proved their identity in this session."""
    factor_at = MomentField(null=True)
    """When the customer last gave a second factor in this session."""
    stays = BooleanField(default=False)
    """Whether the customer asked to stay signed in."""


Session.add_index(
    Session.index(Session.account, Session.seen_at, name="session_open").where(
        SQL("ended_at IS NULL")
    )
)


class LinkPurpose(StrEnum):
    """What a one-time link or token is for."""

    PASSWORD_RESET = "password_reset"
    SECOND_STEP = "second_step"  # the sign-in that waits for its second factor
    EMAIL_PROOF = "email_proof"
    RESCUED_EMAIL = "rescued_email"  # a new address, given to customer service
    TERMINATION = "termination"
    NEW_EMAIL = "new_email"


class OneTimeLink(Table):
    """A link in an e-mail that works once, with its purpose and its expiry.

    ``payload`` is the value that following the link confirms: a new e-mail address.
    """

    account_id: int  # added by Peewee; declared for mypy

    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    account = ForeignKeyField(Account, backref="links", on_delete="CASCADE")
    purpose = CharField(max_length=32)
    payload = CharField(max_length=255, default="")
    created_at = MomentField()
    expires_at = MomentField(index=True)
    used_at = MomentField(null=True)

    @property
    def is_of_staff(self) -> bool:
        """Whether customer service had it sent, to a new e-mail address."""
        return self.purpose == LinkPurpose.RESCUED_EMAIL


class RateCount(Table):
    """A rate limit's counter: attempts in a window of time (sign-in, registration, reset)."""

    key = CharField(max_length=255, primary_key=True)
    count = IntegerField()
    expires_at = MomentField(index=True)
