"""The provider's tables: tenants, users, devices, operations, portal sessions."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from peewee import AutoField, Check, FloatField, ForeignKeyField, IntegerField, TextField

from sandbox.database import Table

DEVICES_EACH = 5
"""The number of computers, of tablets and of phones that a licence covers (shop's guide)."""


class TenantStatus(StrEnum):
    """The status of a tenant: only the users of an active one can sign in."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"


class Tenant(Table):
    """A licence group at the provider; ``users_taken`` counts the seats in use."""

    domain = TextField(primary_key=True)
    reference = TextField(unique=True)
    offer = TextField(constraints=[Check("offer IN ('business', 'pro_plus')")])
    seats = IntegerField()
    users_taken = IntegerField(default=0)
    status = TextField(
        default=TenantStatus.ACTIVE,
        constraints=[Check("status IN ('active', 'suspended', 'deleted')")],
    )
    suspension_reason = TextField(default="")
    created_at = FloatField()

    class Meta:
        constraints = [
            Check("users_taken BETWEEN 0 AND seats"),
            Check("offer <> 'business' OR seats <= 300"),
        ]


class User(Table):
    """A person with an account and a licence; ``folded`` is the case-folded address.

    ``signed_in_at`` is when they last signed in at the portal, empty if they never did.
    """

    reference = TextField(primary_key=True)
    tenant = ForeignKeyField(Tenant, backref="users", index=False)
    tenant_id: str
    address = TextField()
    folded = TextField(unique=True)
    first_name = TextField()
    last_name = TextField()
    language = TextField()
    password_hash = TextField()
    created_at = FloatField()
    signed_in_at = FloatField(null=True)

    class Meta:
        indexes = ((("tenant", "folded"), False),)


class Operation(Table):
    """A change requested by the reseller: accepted at once, executed at ``due_at``.

    ``forced_failure`` is the reason with which it must fail, because a switch says so.
    """

    id = AutoField()
    key = TextField(unique=True)
    action = TextField()
    domain = TextField()
    fingerprint = TextField()
    payload = TextField()
    password_hash = TextField(default="")
    status = TextField(
        default="pending",
        constraints=[Check("status IN ('pending', 'succeeded', 'failed')")],
    )
    code = TextField(default="")
    reason = TextField(default="")
    result = TextField(default="{}")
    forced_failure = TextField(default="", column_name="doom")
    accepted_at = FloatField()
    due_at = FloatField()
    settled_at = FloatField(null=True)

    class Meta:
        indexes = ((("domain", "status", "due_at"), False), (("status", "due_at"), False))


class Device(Table):
    """An installation. A signed-out one has no ``slot``: its place is free."""

    id = AutoField()
    user = ForeignKeyField(User, backref="devices", on_delete="CASCADE")
    category = TextField(constraints=[Check("category IN ('computer', 'tablet', 'phone')")])
    platform = TextField(
        constraints=[Check("platform IN ('windows', 'macos', 'ios', 'ipados', 'android')")]
    )
    name = TextField()
    language = TextField(default="")
    form = TextField(null=True)
    slot = IntegerField(null=True, constraints=[Check(f"slot BETWEEN 1 AND {DEVICES_EACH}")])
    installed_at = FloatField()
    signed_out_at = FloatField(null=True)

    class Meta:
        indexes = (
            (("user", "category", "slot"), True),
            (("user", "form", "category", "platform", "name"), True),
        )
        constraints = [Check("(slot IS NULL) = (signed_out_at IS NOT NULL)")]


class PortalSession(Table):
    """A signed-in browser. Only a hash of its token is stored."""

    token_hash = TextField(primary_key=True)
    user = ForeignKeyField(User, backref="sessions", on_delete="CASCADE")
    created_at = FloatField()


class Attempt(Table):
    """A failed sign-in attempt, for an e-mail address and from an IP address."""

    id = AutoField()
    address = TextField()
    ip_address = TextField(column_name="place")
    at = FloatField()

    class Meta:
        indexes = ((("address", "at"), False), (("ip_address", "at"), False))


TABLES: list[type[Any]] = [Tenant, User, Operation, Device, PortalSession, Attempt]
