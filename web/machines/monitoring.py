"""What the operator's monitoring asks: health, readiness, metrics."""

from __future__ import annotations

from ipaddress import ip_address

import structlog
from flask import Blueprint, Response, abort, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from models import database
from shop.database import pending_migrations
from shop.jobs import queue
from shop.operations import monitoring as figures
from web import auth

log = structlog.get_logger()
monitoring = Blueprint("monitoring", __name__)


@monitoring.get("/healthz")
def healthz() -> Response:
    """This process answers."""
    return jsonify(status="ok")


@monitoring.get("/readyz")
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


@monitoring.get("/metrics")
def metrics() -> Response:
    """Figures for the operator: jobs, orders and letters by status, late deliveries.

    They are the operator's own business: only this machine and its private network may ask, and
    nobody through a proxy, which would make all the world its neighbour.
    """
    if "X-Forwarded-For" in request.headers or not _is_near(auth.address()):
        abort(404)
    registry = CollectorRegistry()
    for name, text, label, numbers in _figures():
        gauge = Gauge(name, text, [label], registry=registry)
        for value, number in numbers.items():
            gauge.labels(value).set(number)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _is_near(address: str) -> bool:
    try:
        return ip_address(address).is_private
    except ValueError:
        return False


def _figures() -> list[tuple[str, str, str, dict[str, int]]]:
    return [
        ("shop_jobs", "Jobs by status", "status", queue.counts()),
        ("shop_orders", "Orders by status", "status", figures.orders_by_status()),
        ("shop_letters", "Letters by status", "status", figures.letters_by_status()),
        ("shop_alarms", "What wants the operator", "alarm", figures.alarms()),
    ]
