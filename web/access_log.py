"""The access log: one line for each request, and its duration for the metrics. No personal data."""

from __future__ import annotations

import time

import structlog
from flask import Flask, Response, g, request

from shop.metrics import durations
from web import error_pages
from web.hosts import BY_ADDRESS

log = structlog.get_logger()

NO_ROUTE = "none"
"""The route of a URL that no page has: the URL itself could hold anything."""


def init_app(app: Flask) -> None:
    """Log every request; call it before any other part, so that its whole time is measured."""

    @app.before_request
    def _begin() -> None:
        g.began = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=error_pages.reference())

    @app.after_request
    def _end(response: Response) -> Response:
        if "began" in g:
            _record(response, time.perf_counter() - g.began)
        response.headers["X-Request-Id"] = error_pages.reference()
        return response

    @app.teardown_request
    def _forget(_: BaseException | None) -> None:
        structlog.contextvars.clear_contextvars()


def _record(response: Response, seconds: float) -> None:
    route = str(request.url_rule or NO_ROUTE)
    method = request.method if request.method in METHODS else "other"
    durations.observe(durations.REQUESTS, f"{method} {route} {response.status_code}", seconds)
    if request.endpoint in BY_ADDRESS and response.status_code < 400:
        return  # A machine asks for these every few seconds.
    fault = {"fault": g.fault} if "fault" in g else {}
    _write(method, route, response.status_code, seconds, **fault)


def record_kept(method: str, route: str, status: int, seconds: float, reference: str) -> None:
    """Log and count a request that was answered without the application (`web.shared_pages`)."""
    durations.observe(durations.REQUESTS, f"{method} {route} {status}", seconds)
    _write(method, route, status, seconds, request=reference)


def _write(method: str, route: str, status: int, seconds: float, **more: object) -> None:
    log.info(
        "request", method=method, route=route, status=status, ms=round(seconds * 1000, 1), **more
    )


METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}
