"""Operations: accepted at once, executed when they are due, idempotent by their key.

The due time is stored with the operation, so that operations overlap and the clock can be
advanced. There is no background worker: each request that reads a tenant first executes the
operations that are due there, in the order of their due times.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import current_app
from peewee import IntegrityError

from sandbox import clock, switches
from sandbox.api_errors import KeyReused
from sandbox.database import database
from sandbox.office import passwords
from sandbox.office.models import Operation
from sandbox.office.rules import IMMEDIATE_ACTIONS, OperationFailed, execute_operation

IS_ANY_DUE = (
    "SELECT 1 FROM operation WHERE domain = ? AND status = 'pending' AND due_at <= ? LIMIT 1"
)
"""A constant: it is asked at each call."""

BATCH_SIZE = 200
"""Operations in one transaction; a limit, so that other writers do not wait long."""


def accept_operation(
    key: str, action: str, domain: str, payload: dict[str, Any], password: str = ""
) -> Operation:
    """Return the operation of ``key``; create it if it does not exist.

    Raises `KeyReused` when the key was used before with other parameters or another password.
    """
    known = Operation.get_or_none(Operation.key == key)
    if known is None:
        _insert_operation(key, action, domain, payload, password)
        known = Operation.get(Operation.key == key)
    if known.fingerprint != _fingerprint(action, domain, payload):
        raise KeyReused
    if password and not passwords.verify_password(known.password_hash, password):
        raise KeyReused
    execute_due(domain)
    return Operation.get(Operation.key == key)


def _fingerprint(action: str, domain: str, payload: dict[str, Any]) -> str:
    text = json.dumps([action, domain, payload], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _insert_operation(
    key: str, action: str, domain: str, payload: dict[str, Any], password: str
) -> None:
    """Insert the operation, unless a concurrent call with the same key just did."""
    password_hash = passwords.hash_password(password) if password else ""
    now = clock.now()
    with database.atomic():
        if Operation.get_or_none(Operation.key == key) is None:
            Operation.create(
                key=key,
                action=action,
                domain=domain,
                fingerprint=_fingerprint(action, domain, payload),
                payload=json.dumps(payload),
                password_hash=password_hash,
                forced_failure=_forced_failure(payload),
                accepted_at=now,
                due_at=now if action in IMMEDIATE_ACTIONS else now + _latency(),
            )


def _latency() -> float:
    override = switches.value("provider_latency")
    return float(current_app.config["SANDBOX"].latency if override is None else override)


def _forced_failure(payload: dict[str, Any]) -> str:
    """Return why an operation is to fail; "" if it is not. Only new tenants name their offer."""
    refused = switches.value("provider_refused_offer")
    is_refused = bool(refused) and payload.get("offer") == refused
    if not is_refused and not switches.consume("provider_refusals"):
        return ""
    return switches.value("provider_refusal_reason") or "The provider refused this operation."


def find_operation(key: str) -> Operation | None:
    """Return the operation of ``key``, executed if it is due; None if the key is unknown."""
    found = Operation.get_or_none(Operation.key == key)
    if found is None or found.status != "pending":
        return found
    execute_due(found.domain)
    return Operation.get_by_id(found.id)


def execute_due(domain: str) -> None:
    """Execute the due operations of a tenant, oldest first."""
    while database.execute_sql(IS_ANY_DUE, (domain, clock.now())).fetchone():
        with database.atomic():
            for operation in _due_operations(domain).limit(BATCH_SIZE):
                _execute(operation)


def _due_operations(domain: str):  # type: ignore[no-untyped-def]  # peewee's queries have no useful type
    return (
        Operation.select()
        .where(
            Operation.domain == domain,
            Operation.status == "pending",
            Operation.due_at <= clock.now(),
        )
        .order_by(Operation.due_at, Operation.id)
    )


def _execute(operation: Operation) -> None:
    try:
        with database.atomic():
            outcome = {"status": "succeeded", "result": json.dumps(execute_operation(operation))}
    except OperationFailed as failed:
        outcome = {"status": "failed", "code": failed.code, "reason": failed.reason}
    except IntegrityError:
        outcome = {"status": "failed", "code": "conflict", "reason": "This cannot be done now."}
    Operation.update(settled_at=clock.now(), **outcome).where(
        Operation.id == operation.id, Operation.status == "pending"
    ).execute()
