"""Where machines knock: the bank's notifications, health, metrics, and the sandbox's controls."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address

import structlog
from flask import Blueprint, Response, abort, current_app, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from models import database
from shop import clock, settings
from shop.database import pending_migrations
from shop.errors import PartyRejected, PartyUnavailable
from shop.jobs import queue
from shop.operations import demo
from shop.payments import gateways, notifications
from shop.sandbox_link import signatures, switches
from web import auth

log = structlog.get_logger()
outside = Blueprint("outside", __name__)


@outside.post("/notifications/bank")
def bank_notification() -> Response:
    """Take the bank's word on a payment, if the signature is the bank's; a repeat is welcome.

    503 asks the bank to tell us again: it was to say how the payment stands now, and was silent.
    """
    try:
        notification = gateways.gateway().read_notification(
            dict(request.headers), request.get_data()
        )
    except PartyRejected as error:
        log.warning("bank notification refused", reason=str(error))
        abort(403)
    except PartyUnavailable as error:
        log.warning("bank notification put off", reason=str(error))
        return Response(status=503)
    if notification is not None:
        notifications.apply(notification.checkout)
    return Response(status=204)


@outside.get("/healthz")
def healthz() -> Response:
    """This process answers."""
    return jsonify(status="ok")


@outside.get("/readyz")
def readyz() -> tuple[Response, int]:
    """The database answers and has every migration."""
    try:
        database.connect(reuse_if_open=True)
        database.execute_sql("SELECT 1")
        pending = pending_migrations()
    except Exception as error:  # whatever it is, this process cannot serve
        log.warning("not ready", reason=str(error))
        return jsonify(status="no database"), 503
    if pending:
        return jsonify(status="migrations pending", pending=pending), 503
    return jsonify(status="ok"), 200


@outside.get("/metrics")
def metrics() -> Response:
    """Figures for the operator: jobs, orders and letters by status, late deliveries.

    They are the operator's own business: only this machine and its private network may ask, and
    nobody through a proxy, which would make all the world its neighbour.
    """
    if "X-Forwarded-For" in request.headers or not _is_near(auth.address()):
        abort(404)
    registry = CollectorRegistry()
    for name, text, label, figures in _figures():
        gauge = Gauge(name, text, [label], registry=registry)
        for value, number in figures.items():
            gauge.labels(value).set(number)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _is_near(address: str) -> bool:
    try:
        return ip_address(address).is_private
    except ValueError:
        return False


def _figures() -> list[tuple[str, str, str, dict[str, int]]]:
    from shop.operations import monitoring

    return [
        ("shop_jobs", "Jobs by status", "status", queue.counts()),
        ("shop_orders", "Orders by status", "status", monitoring.orders_by_status()),
        ("shop_letters", "Letters by status", "status", monitoring.letters_by_status()),
        ("shop_alarms", "What wants the operator", "alarm", monitoring.alarms()),
    ]


# --- The sandbox's controls: there only while every outside party is a sandbox -----------------


def _told_by_sandbox() -> dict[str, object]:
    """The signed JSON body of the sandbox's call; 404 outside the sandbox, 403 if unsigned."""
    if not current_app.extensions["settings"].uses_sandbox:
        abort(404)
    body = request.get_data()
    secret = settings.current().notification_secret
    try:
        signatures.verify(secret, dict(request.headers), body)
    except PartyRejected:
        abort(403)
    return dict(request.get_json(force=True))


@outside.post("/sandbox/clock")
def sandbox_clock() -> Response:
    """The sandbox moved its clock on: this shop follows."""
    told = _told_by_sandbox()
    seconds = float(str(told["moved_on_seconds"]))
    switches.switch(switches.CLOCK, f"{seconds:.3f}" if seconds else "")
    clock.move_on(timedelta(seconds=seconds))
    return jsonify(now=clock.now().isoformat())


@outside.post("/sandbox/pauses")
def sandbox_pauses() -> Response:
    """Pause at a critical moment from now on (0 seconds: no more)."""
    told = _told_by_sandbox()
    seconds = float(str(told.get("seconds", 0)))
    switches.switch(f"pause.{told['point']}", f"{seconds:g}" if seconds > 0 else "")
    return jsonify(point=told["point"], seconds=seconds)


@outside.post("/sandbox/accounts")
def sandbox_accounts() -> Response:
    """A fresh demo account, for whoever drives the shop from outside."""
    told = _told_by_sandbox()
    licences, with_exchange = int(str(told.get("licences", 0))), bool(told.get("exchange"))
    language = str(told.get("language", "fr"))
    return jsonify(demo.fresh_account(language, licences, with_exchange=with_exchange))
