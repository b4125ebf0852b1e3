"""What each operation does when its moment comes, and the provider's own rules.

Every function runs in a transaction and answers the references the caller keeps. It raises
`Failed`, which ends the operation for good, with a machine word and a sentence.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

from sandbox import clock
from sandbox.office.models import Operation, PortalSession, Tenant, TenantStatus, User

MOST_BUSINESS_SEATS = 300

Wanted = dict[str, Any]
"""What an operation asks for, as its caller said it."""


class Failed(Exception):
    """The provider will not do this, and says why."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def carry_out(operation: Operation) -> dict[str, str]:
    """Do what ``operation`` asks; the references its caller keeps. Raises `Failed`."""
    if operation.doom:
        raise Failed("refused", operation.doom)
    return _ACTIONS[operation.action](operation, json.loads(operation.payload))


# --- Tenants ---------------------------------------------------------------------------------


def _create_tenant(operation: Operation, wanted: Wanted) -> dict[str, str]:
    if Tenant.get_or_none(Tenant.domain == operation.domain):
        raise Failed("domain_taken", "This domain belongs to a tenant already.")
    _check_size(wanted["offer"], wanted["seats"])
    reference = f"tn_{secrets.token_hex(8)}"
    Tenant.create(
        domain=operation.domain,
        reference=reference,
        offer=wanted["offer"],
        seats=wanted["seats"],
        created_at=clock.now(),
    )
    return {"tenant": reference}


def _check_size(offer: str, seats: int) -> None:
    if offer == "business" and seats > MOST_BUSINESS_SEATS:
        raise Failed("too_many_seats", "A Business tenant has 300 seats at most.")


def _resize_tenant(operation: Operation, wanted: Wanted) -> dict[str, str]:
    tenant = _tenant(operation)
    _check_size(tenant.offer, wanted["seats"])
    if wanted["seats"] < tenant.users_taken:
        raise Failed("seats_in_use", "More seats are in use than would be left.")
    Tenant.update(seats=wanted["seats"]).where(Tenant.domain == tenant.domain).execute()
    return {"tenant": tenant.reference}


def _suspend_tenant(operation: Operation, wanted: Wanted) -> dict[str, str]:
    return _let_in(operation, TenantStatus.SUSPENDED, wanted["reason"])


def _resume_tenant(operation: Operation, wanted: Wanted) -> dict[str, str]:
    return _let_in(operation, TenantStatus.ACTIVE, "")


def _let_in(operation: Operation, status: str, reason: str) -> dict[str, str]:
    tenant = _tenant(operation)
    Tenant.update(status=status, suspension_reason=reason).where(
        Tenant.domain == tenant.domain
    ).execute()
    return {"tenant": tenant.reference}


def _delete_tenant(operation: Operation, wanted: Wanted) -> dict[str, str]:
    tenant = Tenant.get_or_none(Tenant.domain == operation.domain)
    if tenant is None:
        raise Failed("unknown_tenant", "There is no tenant of this domain.")
    User.delete().where(User.tenant == tenant).execute()
    Tenant.update(status=TenantStatus.DELETED, users_taken=0).where(
        Tenant.domain == tenant.domain
    ).execute()
    return {"tenant": tenant.reference}


def _tenant(operation: Operation) -> Tenant:
    tenant: Tenant | None = Tenant.get_or_none(
        Tenant.domain == operation.domain, Tenant.status != TenantStatus.DELETED
    )
    if tenant is None:
        raise Failed("unknown_tenant", "There is no tenant of this domain.")
    return tenant


# --- Users -----------------------------------------------------------------------------------


def _create_user(operation: Operation, wanted: Wanted) -> dict[str, str]:
    tenant = _tenant(operation)
    _check_address(tenant, wanted["address"], but_not="")
    taken = Tenant.update(users_taken=Tenant.users_taken + 1).where(
        Tenant.domain == tenant.domain, Tenant.users_taken < Tenant.seats
    )
    if not taken.execute():
        raise Failed("no_free_seat", "All seats of this tenant are in use.")
    reference = f"us_{secrets.token_hex(8)}"
    User.create(
        reference=reference,
        tenant=tenant,
        password_hash=operation.password_hash,
        created_at=clock.now(),
        **_person(wanted),
    )
    return {"tenant": tenant.reference, "user": reference}


def _person(wanted: Wanted) -> dict[str, str]:
    return {
        "address": wanted["address"],
        "folded": wanted["address"].casefold(),
        "first_name": wanted["first_name"],
        "last_name": wanted["last_name"],
        "language": wanted["language"],
    }


def _check_address(tenant: Tenant, address: str, but_not: str) -> None:
    login, _, domain = address.rpartition("@")
    if not login or domain.casefold() != tenant.domain.casefold():
        raise Failed("wrong_domain", "The address is not one of this tenant’s domain.")
    holder = User.get_or_none(User.folded == address.casefold())
    if holder is not None and holder.reference != but_not:
        raise Failed("address_taken", "Somebody else has this address already.")


def _update_user(operation: Operation, wanted: Wanted) -> dict[str, str]:
    tenant, user = _tenant(operation), _user(operation, wanted["user"])
    _check_address(tenant, wanted["address"], but_not=user.reference)
    User.update(**_person(wanted)).where(User.reference == user.reference).execute()
    return {"tenant": tenant.reference, "user": user.reference}


def _set_password(operation: Operation, wanted: Wanted) -> dict[str, str]:
    _tenant(operation)
    user = _user(operation, wanted["user"])
    User.update(password_hash=operation.password_hash).where(
        User.reference == user.reference
    ).execute()
    PortalSession.delete().where(PortalSession.user == user).execute()
    return {"user": user.reference}


def _user(operation: Operation, reference: str) -> User:
    user: User | None = User.get_or_none(
        User.reference == reference, User.tenant == operation.domain
    )
    if user is None:
        raise Failed("unknown_user", "There is no such user in this tenant.")
    return user


def _delete_user(operation: Operation, wanted: Wanted) -> dict[str, str]:
    """Somebody who is gone already is gone: asking twice does no harm."""
    tenant = _tenant(operation)
    gone = User.delete().where(User.reference == wanted["user"], User.tenant == tenant).execute()
    if gone:
        Tenant.update(users_taken=Tenant.users_taken - 1).where(
            Tenant.domain == tenant.domain
        ).execute()
    return {"tenant": tenant.reference, "user": wanted["user"]}


_ACTIONS: dict[str, Callable[[Operation, Wanted], dict[str, str]]] = {
    "create_tenant": _create_tenant,
    "resize_tenant": _resize_tenant,
    "suspend_tenant": _suspend_tenant,
    "resume_tenant": _resume_tenant,
    "delete_tenant": _delete_tenant,
    "create_user": _create_user,
    "update_user": _update_user,
    "set_password": _set_password,
    "delete_user": _delete_user,
}

AT_ONCE = {"set_password"}
"""What does not wait for the provider's latency: an old password must stop working at once."""
