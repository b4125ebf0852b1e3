"""Where to report a weakness (RFC 9116)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask

from shop import clock
from tests.conftest import PRODUCTION
from tests.support.client import browser


@pytest.mark.one_database
def test_the_seller_is_named_for_reports(production: Flask) -> None:
    response = browser(production).get("/.well-known/security.txt")
    assert response.content_type == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in response.text.splitlines())
    assert fields["Contact"] == f"mailto:{PRODUCTION['SELLER_EMAIL']}"
    assert fields["Canonical"] == f"{PRODUCTION['PUBLIC_URL']}/.well-known/security.txt"
    left = datetime.fromisoformat(fields["Expires"]) - clock.now()
    assert timedelta(days=170) < left < timedelta(days=365)
