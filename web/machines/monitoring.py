"""Endpoints for the operator's monitoring: health, readiness, metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address

import structlog
from flask import Blueprint, Response, abort, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from models import database
from shop.database import pending_migrations
from shop.jobs import priorities
from shop.metrics import durations
from shop.operations import monitoring as figures
from shop.operations import unpaid
from web import auth

log = structlog.get_logger()
monitoring = Blueprint("monitoring", __name__)


@monitoring.get("/healthz")
def healthz() -> Response:
    """Answer 200 as long as this process responds."""
    return jsonify(status="ok")


@monitoring.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Answer 200 if the database responds and every migration was applied, else 503."""
    try:
        database.connect(reuse_if_open=True)
        database.execute_sql("SELECT 1")
        pending = pending_migrations()
    except Exception as error:  # whatever the error, this process cannot serve
        log.warning("not_ready", reason=str(error))
        return jsonify(status="no database"), 503
    if pending:
        return jsonify(status="migrations pending", pending=pending), 503
    return jsonify(status="ok"), 200


@monitoring.get("/metrics")
def metrics() -> Response:
    """Return the operator's figures: jobs, orders and e-mails by status, durations, and the alarms.

    Only this machine and its private network may read them, and not through a proxy, behind which
    every client seems to be in the private network.
    """
    if "X-Forwarded-For" in request.headers or not _is_near(auth.ip_address()):
        abort(404)
    registry = CollectorRegistry(auto_describe=False)
    for name, text, label, numbers in _figures():
        gauge = Gauge(name, text, [label], registry=registry)
        for value, number in numbers.items():
            gauge.labels(value).set(number)
    durations.flush()
    registry.register(_Durations())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Durations(Collector):
    """The histograms of requests and jobs, over all processes."""

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield both histograms."""
        found = durations.histograms()
        requests, jobs = found[durations.REQUESTS], found[durations.JOBS]
        labels = ["method", "route", "status"]
        yield _histogram("shop_request_seconds", "Requests", requests, labels)
        yield _histogram("shop_job_seconds", "Runs of jobs", jobs, ["kind", "outcome"])


def _histogram(
    name: str, text: str, found: list[durations.Histogram], labels: list[str]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, f"{text} by duration in seconds", labels=labels)
    for each in found:
        family.add_metric(each.label.split(" "), each.buckets, each.seconds)
    return family


def _is_near(client: str) -> bool:
    try:
        return ip_address(client).is_private
    except ValueError:
        return False


def _figures() -> list[tuple[str, str, str, Mapping[str, float]]]:
    waiting = priorities.oldest_due()
    waits = figures.queue_seconds(waiting)
    statuses = figures.by_status()
    debts, charges = unpaid.by_stage(), unpaid.charges_of_a_day()
    return [
        ("shop_jobs", "Jobs by status", "status", statuses["jobs"]),
        ("shop_orders", "Orders by status", "status", statuses["orders"]),
        ("shop_letters", "Letters by status", "status", statuses["letters"]),
        (
            "shop_queue_seconds",
            "Wait of the oldest due job",
            "priority",
            waits,
        ),
        ("shop_services", "Services by status", "status", statuses["services"]),
        ("shop_unpaid_invoices", "Unpaid invoices by stage", "stage", debts.numbers),
        ("shop_unpaid_cents", "Cents owed by stage", "stage", debts.cents),
        ("shop_charges", "Charges of stored cards within a day", "answer", charges),
        (
            "shop_declined_share",
            "Share of those that banks declined",
            "of",
            {"charges": unpaid.declined_share(charges)},
        ),
        ("shop_alarms", "What needs the operator", "alarm", figures.alarms(waiting, charges)),
    ]
