"""Structured logging to standard error: one line for each event."""

from __future__ import annotations

import logging
import sys

import structlog

from shop.settings import Settings


def set_up(settings: Settings) -> None:
    """Configure structlog: JSON in production, readable lines in development."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.production
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # Where rich is installed, structlog would print local variables, secrets among them.
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            *([structlog.processors.format_exc_info] if settings.production else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=_logger,
    )


def _logger(*_: object) -> structlog.PrintLogger:
    """Return a logger for the present standard error, which tests may have replaced."""
    return structlog.PrintLogger(sys.stderr)
