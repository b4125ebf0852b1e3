"""The announcements that a page shows."""

from __future__ import annotations

from flask_login import current_user

from models import Notice
from shop.publishing import notices


def shown() -> list[Notice]:
    """Return the announcements to show now.

    The query of a session says whether there are any, so that a page of a customer has no
    statement for them.
    """
    session = getattr(current_user, "session", None)
    if session is not None and not getattr(session, "has_notices", True):
        return []
    return notices.shown()
