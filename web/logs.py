"""Structured logging to standard error: one line for each event, one a minute for a fault."""

from __future__ import annotations

import atexit
import logging
import re
import sys
from collections.abc import Callable
from typing import Any

import structlog

from shop.settings import Settings
from web.repeated_faults import Event, RepeatedFaults

EMAIL_ADDRESS = re.compile(r"[^\s<>'\"(){}\[\],;:=]+@[^\s<>'\"(){}\[\],;:=]+")

QUIET = ("_granian", "granian.access")
"""Loggers of libraries that write their own lines."""


def set_up(settings: Settings) -> None:
    """Configure structlog: JSON in production, readable lines in development."""
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.production
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # Where rich is installed, structlog would print local variables, secrets among them.
            exception_formatter=structlog.dev.plain_traceback,
        )
    )

    def write(event: Event) -> None:
        for step in (structlog.processors.TimeStamper(fmt="iso"), hide_email_addresses, render):
            event = step(None, "", event)  # type: ignore[assignment]
        print(event, file=sys.stderr, flush=True)

    repeated = _follow_faults(write)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            repeated,
            structlog.processors.TimeStamper(fmt="iso"),
            *([structlog.processors.format_exc_info] if settings.production else []),
            hide_email_addresses,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=_logger,
    )
    _take_over_libraries()


def _follow_faults(write: Callable[[Event], None]) -> RepeatedFaults:
    """Return what counts repeated faults from now on; what counted before writes no line more."""
    for former in structlog.get_config()["processors"]:
        if isinstance(former, RepeatedFaults):
            atexit.unregister(former.flush)
            former.forget()
    repeated = RepeatedFaults(write)
    atexit.register(repeated.flush)
    return repeated


def hide_email_addresses(_logger: object, _method: str, event: Event) -> Event:
    """Replace e-mail addresses in the values of a log line: mail servers repeat the recipient."""
    for name, value in event.items():
        if isinstance(value, str) and "@" in value:
            event[name] = EMAIL_ADDRESS.sub("<address>", value)
    return event


class _ToStructlog(logging.Handler):
    """Passes what libraries log to structlog, so that the same rules hold for it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record as ``library_message``."""
        if record.name.startswith(QUIET):
            return
        log = structlog.get_logger()
        said: dict[str, Any] = {"logger": record.name, "reason": record.getMessage()}
        if record.exc_info and record.exc_info[0] is not None:
            said["exc_info"] = record.exc_info
        log.log(record.levelno, "library_message", **said)


def _take_over_libraries() -> None:
    root = logging.getLogger()
    root.handlers = [each for each in root.handlers if not isinstance(each, _ToStructlog)]
    handler = _ToStructlog(logging.WARNING)
    root.addHandler(handler)


def _logger(*_: object) -> structlog.PrintLogger:
    """Return a logger for the present standard error, which tests may have replaced."""
    return structlog.PrintLogger(sys.stderr)
