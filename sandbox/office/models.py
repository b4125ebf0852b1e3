"""What the provider keeps: tenants, users and their devices, operations, portal sessions."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from peewee import AutoField, Check, FloatField, ForeignKeyField, IntegerField, TextField

from sandbox.database import Table

DEVICES_EACH = 5
"""How many computers, tablets and phones a licence covers, of each kind (the shop's guide)."""


class TenantStatus(StrEnum):
    """Whether a tenant's people may come in."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"


class Tenant(Table):
    """A licence group at the provider; the row itself counts the places taken."""

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
    """A person with an account and a licence; ``folded`` is the address compared without case."""

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

    class Meta:
        indexes = ((("tenant", "folded"), False),)


class Operation(Table):
    """Something asked of the provider: accepted at once, carried out at ``due_at``.

    ``doom`` is the reason for which it will fail whatever it asks (a switch decided so).
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
    doom = TextField(default="")
    accepted_at = FloatField()
    due_at = FloatField()
    settled_at = FloatField(null=True)

    class Meta:
        indexes = ((("domain", "status", "due_at"), False), (("status", "due_at"), False))


class Device(Table):
    """An installation. One that was signed out has no ``slot`` and leaves room for another."""

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
    """A browser signed in at the portal; the browser alone holds the token."""

    token_hash = TextField(primary_key=True)
    user = ForeignKeyField(User, backref="sessions", on_delete="CASCADE")
    created_at = FloatField()


class Attempt(Table):
    """A try to sign in that has not succeeded, for an address and from a place."""

    id = AutoField()
    address = TextField()
    place = TextField()
    at = FloatField()

    class Meta:
        indexes = ((("address", "at"), False), (("place", "at"), False))


TABLES: list[type[Any]] = [Tenant, User, Operation, Device, PortalSession, Attempt]
