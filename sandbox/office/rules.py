"""The execution of each operation, and the provider's own rules.

Each function runs in a transaction and returns the references that the caller keeps. It raises
`OperationFailed`, with a code and a sentence, when the operation fails for good.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

from sandbox import clock
from sandbox.office.models import Operation, PortalSession, Tenant, TenantStatus, User

MAX_BUSINESS_SEATS = 300

Payload = dict[str, Any]
"""The parameters of an operation, as the caller gave them."""


class OperationFailed(Exception):
    """The provider refuses the operation: a code and a sentence."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def execute_operation(operation: Operation) -> dict[str, str]:
    """Execute ``operation``; return the references. Raises `OperationFailed`."""
    if operation.forced_failure:
        raise OperationFailed("refused", operation.forced_failure)
    return _ACTIONS[operation.action](operation, json.loads(operation.payload))


# --- Tenants ---------------------------------------------------------------------------------


def _create_tenant(operation: Operation, wanted: Payload) -> dict[str, str]:
    if Tenant.get_or_none(Tenant.domain == operation.domain):
        raise OperationFailed("domain_taken", "This domain belongs to a tenant already.")
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
    if offer == "business" and seats > MAX_BUSINESS_SEATS:
        raise OperationFailed("too_many_seats", "A Business tenant has 300 seats at most.")


def _resize_tenant(operation: Operation, wanted: Payload) -> dict[str, str]:
    tenant = _find_tenant(operation)
    _check_size(tenant.offer, wanted["seats"])
    if wanted["seats"] < tenant.users_taken:
        raise OperationFailed("seats_in_use", "More seats are in use than would be left.")
    Tenant.update(seats=wanted["seats"]).where(Tenant.domain == tenant.domain).execute()
    return {"tenant": tenant.reference}


def _suspend_tenant(operation: Operation, wanted: Payload) -> dict[str, str]:
    return _set_status(operation, TenantStatus.SUSPENDED, wanted["reason"])


def _resume_tenant(operation: Operation, wanted: Payload) -> dict[str, str]:
    return _set_status(operation, TenantStatus.ACTIVE, "")


def _set_status(operation: Operation, status: str, reason: str) -> dict[str, str]:
    tenant = _find_tenant(operation)
    Tenant.update(status=status, suspension_reason=reason).where(
        Tenant.domain == tenant.domain
    ).execute()
    return {"tenant": tenant.reference}


def _delete_tenant(operation: Operation, wanted: Payload) -> dict[str, str]:
    tenant = Tenant.get_or_none(Tenant.domain == operation.domain)
    if tenant is None:
        raise OperationFailed("unknown_tenant", "There is no tenant of this domain.")
    User.delete().where(User.tenant == tenant).execute()
    Tenant.update(status=TenantStatus.DELETED, users_taken=0).where(
        Tenant.domain == tenant.domain
    ).execute()
    return {"tenant": tenant.reference}


def _find_tenant(operation: Operation) -> Tenant:
    tenant: Tenant | None = Tenant.get_or_none(
        Tenant.domain == operation.domain, Tenant.status != TenantStatus.DELETED
    )
    if tenant is None:
        raise OperationFailed("unknown_tenant", "There is no tenant of this domain.")
    return tenant


# --- Users -----------------------------------------------------------------------------------


def _create_user(operation: Operation, wanted: Payload) -> dict[str, str]:
    tenant = _find_tenant(operation)
    _check_address(tenant, wanted["address"], except_for="")
    taken = Tenant.update(users_taken=Tenant.users_taken + 1).where(
        Tenant.domain == tenant.domain, Tenant.users_taken < Tenant.seats
    )
    if not taken.execute():
        raise OperationFailed("no_free_seat", "All seats of this tenant are in use.")
    reference = f"us_{secrets.token_hex(8)}"
    User.create(
        reference=reference,
        tenant=tenant,
        password_hash=operation.password_hash,
        created_at=clock.now(),
        **_person_columns(wanted),
    )
    return {"tenant": tenant.reference, "user": reference}


def _person_columns(wanted: Payload) -> dict[str, str]:
    return {
        "address": wanted["address"],
        "folded": wanted["address"].casefold(),
        "first_name": wanted["first_name"],
        "last_name": wanted["last_name"],
        "language": wanted["language"],
    }


def _check_address(tenant: Tenant, address: str, except_for: str) -> None:
    login, _, domain = address.rpartition("@")
    if not login or domain.casefold() != tenant.domain.casefold():
        raise OperationFailed("wrong_domain", "The address is not one of this tenant’s domain.")
    holder = User.get_or_none(User.folded == address.casefold())
    if holder is not None and holder.reference != except_for:
        raise OperationFailed("address_taken", "Somebody else has this address already.")


def _update_user(operation: Operation, wanted: Payload) -> dict[str, str]:
    tenant, user = _find_tenant(operation), _find_user(operation, wanted["user"])
    _check_address(tenant, wanted["address"], except_for=user.reference)
    User.update(**_person_columns(wanted)).where(User.reference == user.reference).execute()
    return {"tenant": tenant.reference, "user": user.reference}


def _set_password(operation: Operation, wanted: Payload) -> dict[str, str]:
    _find_tenant(operation)
    user = _find_user(operation, wanted["user"])
    User.update(password_hash=operation.password_hash).where(
        User.reference == user.reference
    ).execute()
    PortalSession.delete().where(PortalSession.user == user).execute()
    return {"user": user.reference}


def _find_user(operation: Operation, reference: str) -> User:
    user: User | None = User.get_or_none(
        User.reference == reference, User.tenant == operation.domain
    )
    if user is None:
        raise OperationFailed("unknown_user", "There is no such user in this tenant.")
    return user


def _delete_user(operation: Operation, wanted: Payload) -> dict[str, str]:
    """Delete a user and free the seat; idempotent."""
    tenant = _find_tenant(operation)
    deleted = User.delete().where(User.reference == wanted["user"], User.tenant == tenant).execute()
    if deleted:
        Tenant.update(users_taken=Tenant.users_taken - 1).where(
            Tenant.domain == tenant.domain
        ).execute()
    return {"tenant": tenant.reference, "user": wanted["user"]}


_ACTIONS: dict[str, Callable[[Operation, Payload], dict[str, str]]] = {
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

IMMEDIATE_ACTIONS = {"set_password"}
"""Actions without the provider's latency: an old password must stop working at once."""
