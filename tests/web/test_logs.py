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
