"""Exceptions in the log of a developer's machine."""

from __future__ import annotations

import pytest
import structlog

from shop.settings import Settings
from web import logs


def test_a_logged_exception_shows_no_local_variables(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up(settings)
    password = "-".join(["Correct", "Horse"])
    try:
        raise ValueError(f"{len(password)} characters")
    except ValueError:
        structlog.get_logger().exception("fault")
    logged = capsys.readouterr().err
    assert "ValueError: 13 characters" in logged
    assert "Traceback (most recent call last)" in logged
    assert password not in logged


def test_a_readable_line_is_that_of_structlog() -> None:
    event = {
        "timestamp": "2026-03-10T09:00:00Z", "level": "warning", "event": "request", "status": 200,
        "route": "/<any(a, b):name>", "method": "GET", "reason": "", "fault": None, "tab": "a\tb",
        "said": 'a "b"',
    }  # fmt: skip
    structlogs = structlog.dev.ConsoleRenderer(colors=False)
    ours = structlog.dev.ConsoleRenderer(columns=logs.COLUMNS)
    for line in (event, {name: event[name] for name in ("timestamp", "level", "event")}):
        assert ours(None, "", dict(line)) == structlogs(None, "", dict(line))
