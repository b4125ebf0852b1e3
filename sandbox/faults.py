"""Calls that go wrong on purpose: before anything was done, or after, so that the answer is lost.

Two causes: the switches (`sandbox.switches`), for both parties; and for the Office provider the
share of calls ``SANDBOX_FAULTS`` which fail once, half of them before doing anything and half
after having done it. Which calls these are is drawn from their own key, and remembered, so that
the same call asked again goes through.
"""

from __future__ import annotations

import hashlib
import time

from flask import Blueprint, Response, current_app, g, request
from peewee import TextField

from sandbox import key_value, switches
from sandbox.api_errors import failure
from sandbox.database import Table
from sandbox.settings import SandboxSettings

BEFORE, AFTER = "before", "after"


class FailedOnce(Table):
    """A call that was chosen to fail, and did."""

    call = TextField(primary_key=True)


def inject(blueprint: Blueprint, party: str) -> None:
    """Let calls of ``blueprint``, the interface of ``party``, go wrong as the switches say."""

    @blueprint.before_request
    def fail_before() -> Response | None:
        g.fault = _drawn_fault() if party == "provider" else None
        if switches.take(f"{party}_failing_calls") or g.fault == BEFORE:
            return failure(503, "unavailable", "The service is briefly unavailable.")
        return None

    @blueprint.after_request
    def lose_the_answer(response: Response) -> Response:
        delay = switches.value(f"{party}_response_delay")
        if delay:
            time.sleep(delay)
        if _answer_is_lost(party, response):
            return failure(503, "unavailable", "The service is briefly unavailable.")
        return response


def _answer_is_lost(party: str, response: Response) -> bool:
    if response.status_code >= 500:
        return False
    if g.get("fault") == AFTER:
        return True
    return request.method != "GET" and switches.take(f"{party}_lost_answers")


def _drawn_fault() -> str | None:
    settings: SandboxSettings = current_app.config["SANDBOX"]
    share = settings.faults
    call = _this_call()
    draw = _draw(call) if share else 1.0
    if draw >= share or not _first_time(call):
        return None
    return BEFORE if draw < share / 2 else AFTER


def _this_call() -> str:
    key = request.headers.get("Idempotency-Key", "")
    return f"{request.method} {request.full_path} {key}"


def _draw(call: str) -> float:
    """A number from 0 to 1 for this call, the same whenever it comes to this sandbox."""
    digest = hashlib.sha256(f"{key_value.secret_key()} {call}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def _first_time(call: str) -> bool:
    written = FailedOnce.insert(call=call).on_conflict_ignore().as_rowcount().execute()
    return bool(written)
