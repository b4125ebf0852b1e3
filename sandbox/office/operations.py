"""Operations: accepted at once, carried out when their moment comes, remembered by their key.

The moment is kept with the operation, so that operations overlap and the clock can be moved on.
Nobody waits for it in the background: whoever looks at a tenant first carries out what is due
there, in the order in which it fell due.
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
from sandbox.office.rules import AT_ONCE, Failed, carry_out

AT_A_TIME = 200
"""Operations carried out in one transaction, so that other writers get their turn."""


def accept(
    key: str, action: str, domain: str, payload: dict[str, Any], password: str = ""
) -> Operation:
    """The operation of ``key``, accepted now if it was not before.

    Raises `KeyReused` when the key came with other parameters, or another password, before.
    """
    known = Operation.get_or_none(Operation.key == key)
    if known is None:
        _write(key, action, domain, payload, password)
        known = Operation.get(Operation.key == key)
    if known.fingerprint != _fingerprint(action, domain, payload):
        raise KeyReused
    if password and not passwords.is_right(known.password_hash, password):
        raise KeyReused
    settle_due(domain)
    return Operation.get(Operation.key == key)


def _fingerprint(action: str, domain: str, payload: dict[str, Any]) -> str:
    text = json.dumps([action, domain, payload], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _write(key: str, action: str, domain: str, payload: dict[str, Any], password: str) -> None:
    """Write the operation down, unless a rival call with the same key just did."""
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
                doom=_doom(),
                accepted_at=now,
                due_at=now if action in AT_ONCE else now + _latency(),
            )


def _latency() -> float:
    ordered = switches.value("provider_latency")
    return float(current_app.config["SANDBOX"].latency if ordered is None else ordered)


def _doom() -> str:
    if not switches.take("provider_refusals"):
        return ""
    return switches.value("provider_refusal_reason") or "The provider refused this operation."


def find(key: str) -> Operation | None:
    """How the operation of ``key`` stands now; None if the key never came."""
    found = Operation.get_or_none(Operation.key == key)
    if found is None or found.status != "pending":
        return found
    settle_due(found.domain)
    return Operation.get_by_id(found.id)


def settle_due(domain: str) -> None:
    """Carry out what is due in a tenant, the oldest first."""
    while _due(domain).exists():
        with database.atomic():
            for operation in _due(domain).limit(AT_A_TIME):
                _settle(operation)


def _due(domain: str):  # type: ignore[no-untyped-def]  # peewee's queries have no useful type
    return (
        Operation.select()
        .where(
            Operation.domain == domain,
            Operation.status == "pending",
            Operation.due_at <= clock.now(),
        )
        .order_by(Operation.due_at, Operation.id)
    )


def _settle(operation: Operation) -> None:
    try:
        with database.atomic():
            outcome = {"status": "succeeded", "result": json.dumps(carry_out(operation))}
    except Failed as failed:
        outcome = {"status": "failed", "code": failed.code, "reason": failed.reason}
    except IntegrityError:
        outcome = {"status": "failed", "code": "conflict", "reason": "This cannot be done now."}
    Operation.update(settled_at=clock.now(), **outcome).where(
        Operation.id == operation.id, Operation.status == "pending"
    ).execute()
