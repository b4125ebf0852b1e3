"""The announcements that a page shows."""

from __future__ import annotations

from models import Notice
from shop.publishing import notices
from web import catalogue_token


def shown() -> list[Notice]:
    """Return the announcements to show now."""
    return notices.shown(catalogue_token.of_request())
