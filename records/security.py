"""Second factors of accounts, and the log of what happened to an account."""

from __future__ import annotations

from enum import StrEnum

from peewee import (
    AutoField,
    BigAutoField,
    BigIntegerField,
    BooleanField,
    CharField,
    Check,
    ForeignKeyField,
    TextField,
)

from records.accounts import Account
from records.base import MomentField, Table, one_of


class Authenticator(Table):
    """An authenticator application (TOTP); ``secret`` is encrypted (`shop.security.encryption`).

    It is in use once ``confirmed_at`` is set: after a first correct code. ``last_step`` is the time
    step of the last code accepted, so that no code works twice.
    """

    id = AutoField()
    account = ForeignKeyField(Account, unique=True, backref="authenticators", on_delete="CASCADE")
    secret = TextField()
    last_step = BigIntegerField(default=0)
    created_at = MomentField()
    confirmed_at = MomentField(null=True)
    from_known_network = BooleanField(default=True)

    class Meta:
        constraints = [Check("last_step >= 0")]


class RecoveryCode(Table):
    """A code that replaces a lost second factor, once; stored as a digest."""

    id = AutoField()
    account = ForeignKeyField(Account, backref="recovery_codes", on_delete="CASCADE")
    code_digest = CharField(max_length=64)
    created_at = MomentField()
    used_at = MomentField(null=True)

    class Meta:
        indexes = ((("account", "code_digest"), True),)


class Passkey(Table):
    """A passkey on a customer's device (WebAuthn): its public key and its signature counter."""

    id = AutoField()
    account = ForeignKeyField(Account, backref="passkeys", on_delete="CASCADE")
    credential_id = CharField(max_length=1400, unique=True)
    user_handle = CharField(max_length=64)
    public_key = TextField()
    sign_count = BigIntegerField(default=0)
    name = CharField(max_length=64)
    created_at = MomentField()
    used_at = MomentField(null=True)
    from_known_network = BooleanField(default=True)
    """Whether it was added from a network known then (`shop.customers.two_factor.doubtful`)."""

    class Meta:
        constraints = [Check("sign_count >= 0"), Check("name <> ''")]


class Challenge(Table):
    """A challenge for a passkey to sign: stored as a digest, valid once and for a short time."""

    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    expires_at = MomentField(index=True)


class OriginKind(StrEnum):
    """What a customer's sign-in is recognised by."""

    NETWORK = "network"
    BROWSER = "browser"


class KnownOrigin(Table):
    """A network or browser from which a customer has signed in; stored as a digest."""

    id = BigAutoField()
    account = ForeignKeyField(Account, backref="known_origins", on_delete="CASCADE")
    kind = CharField(max_length=8)
    digest = CharField(max_length=64)
    first_at = MomentField()
    seen_at = MomentField(index=True)

    class Meta:
        constraints = [one_of("kind", OriginKind)]
        indexes = ((("account", "digest"), True),)


class AccountEvent(Table):
    """An entry of an account's activity log, with IP address and browser.

    ``account`` is empty for a sign-in under an unknown nic-handle: it is logged all the same, so
    that a failure takes as long whether the account exists or not.
    """

    id = BigAutoField()
    account = ForeignKeyField(Account, null=True, backref="events", on_delete="CASCADE")
    kind = CharField(max_length=48)
    note = CharField(max_length=255, default="")
    ip_address = CharField(column_name="address", max_length=45, default="")
    browser = CharField(max_length=255, default="")
    at = MomentField(index=True)

    class Meta:
        constraints = [Check("kind <> ''")]
        indexes = ((("account", "id"), False),)
