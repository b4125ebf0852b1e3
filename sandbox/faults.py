"""Fault injection: calls fail before they take effect, or succeed and lose their response.

There are two causes: the switches (`sandbox.switches`), for both parties; and, for the Office
provider, ``SANDBOX_FAULTS``: the share of calls that fail once, half of them before and half
after they took effect. The choice is a hash of the call and its idempotency key; calls that
failed are recorded, so that a retry succeeds.
"""

from __future__ import annotations

import hashlib
import time

from flask import Blueprint, Response, current_app, g, request
from peewee import TextField

from sandbox import key_value, switches
from sandbox.api_errors import error_response
from sandbox.database import Table
from sandbox.settings import SandboxSettings

BEFORE, AFTER = "before", "after"


class FailedOnce(Table):
    """A call that was chosen to fail and has failed."""

    call = TextField(primary_key=True)


def inject(blueprint: Blueprint, party: str) -> None:
    """Inject faults into ``blueprint``, the API of ``party``, as the switches say."""

    @blueprint.before_request
    def fail_before() -> Response | None:
        g.fault = _random_fault() if party == "provider" else None
        if party == "bank" and switches.value("bank_refuses_shop"):
            return error_response(403, "account_blocked", "The account of the shop is blocked.")
        if switches.consume(f"{party}_failing_calls") or g.fault == BEFORE:
            return error_response(503, "unavailable", "The service is briefly unavailable.")
        return None

    @blueprint.after_request
    def lose_response(response: Response) -> Response:
        delay = switches.value(f"{party}_response_delay")
        if delay:
            time.sleep(delay)
        if _must_lose_answer(party, response):
            return error_response(503, "unavailable", "The service is briefly unavailable.")
        return response


def _must_lose_answer(party: str, response: Response) -> bool:
    if response.status_code >= 500:
        return False
    if g.get("fault") == AFTER:
        return True
    return request.method != "GET" and switches.consume(f"{party}_lost_answers")


def _random_fault() -> str | None:
    settings: SandboxSettings = current_app.config["SANDBOX"]
    share = settings.faults
    call = _call_identity()
    draw = _random_number(call) if share else 1.0
    if draw >= share or not _record_first_failure(call):
        return None
    return BEFORE if draw < share / 2 else AFTER


def _call_identity() -> str:
    key = request.headers.get("Idempotency-Key", "")
    return f"{request.method} {request.full_path} {key}"


def _random_number(call: str) -> float:
    """Return a number from 0 to 1, always the same for the same call to this sandbox."""
    digest = hashlib.sha256(f"{key_value.secret_key()} {call}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def _record_first_failure(call: str) -> bool:
    written = FailedOnce.insert(call=call).on_conflict_ignore().as_rowcount().execute()
    return bool(written)
