"""The provider's API for resellers (JSON; ``Authorization: Bearer <SANDBOX_PROVIDER_KEY>``).

Calls that change something carry an ``Idempotency-Key``. They are accepted first (202) and
executed ``SANDBOX_LATENCY`` seconds later by the sandbox's clock; passwords change at once. The
same key always returns the same operation, and is refused (409) with other parameters.

=================================================  ===========================================
POST   /office/api/tenants                         ``{"domain", "offer", "seats"}``
GET    /office/api/tenants/<domain>                seats, users, status
PATCH  /office/api/tenants/<domain>                ``{"seats"}``
DELETE /office/api/tenants/<domain>                delete it and all its users
PUT    /office/api/tenants/<domain>/suspension     ``{"reason"}``: block sign-in
DELETE /office/api/tenants/<domain>/suspension     allow sign-in again
POST   /office/api/tenants/<domain>/users          a user and a ``password``
GET    /office/api/tenants/<domain>/users          ``?after=<address>&limit=`` in this order
GET    /office/api/tenants/<domain>/sign-ins       ``?user=<ref>&user=…``: when each last did
PATCH  /office/api/tenants/<domain>/users/<ref>    a user's names and address
PUT    …/users/<ref>/password                      ``{"password"}``
DELETE /office/api/tenants/<domain>/users/<ref>    delete the account, free its seat
GET    /office/api/operations?key=                 the state of an operation
=================================================  ===========================================

An operation is ``{"key", "status", "code", "reason", "result"}``. When ``failed``, ``code`` is one
of ``domain_taken``, ``unknown_tenant``, ``too_many_seats``, ``seats_in_use``, ``no_free_seat``,
``address_taken``, ``wrong_domain``, ``unknown_user``, ``conflict`` and ``refused``.
"""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox import faults
from sandbox.api_errors import ApiRefusal, Fields, idempotency_key, require_key
from sandbox.office import operations
from sandbox.office.models import Operation, Tenant, User
from sandbox.reading import read_integer

MAX_SEATS = 10_000_000
MAX_SIGN_INS = 100

Answer = tuple[Response, int]


def blueprint(key: str) -> Blueprint:
    """Make the blueprint of the API, which requires ``key``."""
    api = Blueprint("office_api", __name__, url_prefix="/office/api")
    require_key(api, key)
    faults.inject(api, "provider")
    api.post("/tenants")(create_tenant)
    api.get("/tenants/<domain>")(read_tenant)
    api.patch("/tenants/<domain>")(resize_tenant)
    api.delete("/tenants/<domain>")(delete_tenant)
    api.put("/tenants/<domain>/suspension")(suspend_tenant)
    api.delete("/tenants/<domain>/suspension")(resume_tenant)
    api.post("/tenants/<domain>/users")(create_user)
    api.get("/tenants/<domain>/users")(list_users)
    api.get("/tenants/<domain>/sign-ins")(list_sign_ins)
    api.patch("/tenants/<domain>/users/<user>")(update_user)
    api.put("/tenants/<domain>/users/<user>/password")(set_password)
    api.delete("/tenants/<domain>/users/<user>")(delete_user)
    api.get("/operations")(find_operation)
    return api


def _accept(action: str, domain: str, payload: dict[str, Any], password: str = "") -> Answer:
    key = idempotency_key()
    operation = operations.accept_operation(key, action, domain.lower(), payload, password)
    return jsonify(_operation_json(operation)), 202


def _operation_json(operation: Operation) -> dict[str, Any]:
    return {
        "key": operation.key,
        "status": operation.status,
        "code": operation.code,
        "reason": operation.reason,
        "result": json.loads(operation.result),
    }


# --- Tenants ---------------------------------------------------------------------------------


def create_tenant() -> Answer:
    """Create a tenant."""
    fields = Fields.from_request()
    domain = fields.text("domain", most=253)
    wanted = {
        "offer": fields.choice("offer", ("business", "pro_plus")),
        "seats": fields.number("seats", 1, MAX_SEATS),
    }
    return _accept("create_tenant", domain, wanted)


def read_tenant(domain: str) -> Response:
    """Return a tenant, after executing its due operations."""
    operations.execute_due(domain.lower())
    tenant = Tenant.get_or_none(Tenant.domain == domain.lower())
    if tenant is None:
        raise ApiRefusal(404, "unknown_tenant", "There is no tenant of this domain.")
    return jsonify(
        domain=tenant.domain,
        reference=tenant.reference,
        offer=tenant.offer,
        seats=tenant.seats,
        users=tenant.users_taken,
        status=tenant.status,
        suspension_reason=tenant.suspension_reason,
    )


def resize_tenant(domain: str) -> Answer:
    """Change a tenant's number of seats."""
    seats = Fields.from_request().number("seats", 1, MAX_SEATS)
    return _accept("resize_tenant", domain, {"seats": seats})


def suspend_tenant(domain: str) -> Answer:
    """Block sign-in for a tenant's users."""
    reason = Fields.from_request().text("reason", empty=True)
    return _accept("suspend_tenant", domain, {"reason": reason})


def resume_tenant(domain: str) -> Answer:
    """Allow sign-in for a suspended tenant's users again."""
    return _accept("resume_tenant", domain, {})


def delete_tenant(domain: str) -> Answer:
    """Delete a tenant."""
    return _accept("delete_tenant", domain, {})


# --- Users -----------------------------------------------------------------------------------


def create_user(domain: str) -> Answer:
    """Create a user's account."""
    fields = Fields.from_request()
    return _accept("create_user", domain, _person(fields), _password(fields))


def _person(fields: Fields) -> dict[str, str]:
    return {
        "address": fields.text("address", most=320),
        "first_name": fields.text("first_name", most=255),
        "last_name": fields.text("last_name", most=255),
        "language": fields.text("language", most=10, empty=True) or "fr",
    }


def _password(fields: Fields) -> str:
    password = fields.text("password", most=256)
    if len(password) < 8:
        raise ApiRefusal(422, "weak_password", "A password has 8 characters at least.")
    return password


def update_user(domain: str, user: str) -> Answer:
    """Change a user's names or e-mail address."""
    return _accept("update_user", domain, {"user": user, **_person(Fields.from_request())})


def set_password(domain: str, user: str) -> Answer:
    """Replace a user's password."""
    password = _password(Fields.from_request())
    return _accept("set_password", domain, {"user": user}, password)


def delete_user(domain: str, user: str) -> Answer:
    """Delete a user's account, which frees its seat."""
    return _accept("delete_user", domain, {"user": user})


def list_users(domain: str) -> Response:
    """List a tenant's users in the order of their addresses (keyset pagination)."""
    operations.execute_due(domain.lower())
    after = request.args.get("after", "").casefold()
    limit = min(read_integer(request.args.get("limit", ""), 1) or 100, 1000)
    found = (
        User.select()
        .where(User.tenant == domain.lower(), User.folded > after)
        .order_by(User.folded)
        .limit(limit)
    )
    return jsonify(users=[_user_json(user) for user in found])


def list_sign_ins(domain: str) -> Response:
    """Return when users of a tenant last signed in, by reference: null for "never"."""
    operations.execute_due(domain.lower())
    if not Tenant.select().where(Tenant.domain == domain.lower()).exists():
        raise ApiRefusal(404, "unknown_tenant", "There is no tenant of this domain.")
    asked = request.args.getlist("user")[:MAX_SIGN_INS]
    found = User.select().where(User.tenant == domain.lower(), User.reference.in_(asked))
    return jsonify(sign_ins={user.reference: user.signed_in_at for user in found})


def _user_json(user: User) -> dict[str, str]:
    return {
        "reference": user.reference,
        "address": user.address,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "language": user.language,
    }


# --- Operations ------------------------------------------------------------------------------


def find_operation() -> Response:
    """Return an operation."""
    operation = operations.find_operation(request.args.get("key", ""))
    if operation is None:
        raise ApiRefusal(404, "unknown_operation", "This key never came.")
    return jsonify(_operation_json(operation))
