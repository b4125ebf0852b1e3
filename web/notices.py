"""The announcements that a page shows."""

from __future__ import annotations

from flask_login import current_user

from models import Notice
from shop.publishing import notices


def shown() -> list[Notice]:
    """Return the announcements to show now.

    The query of a session brings the newest one, so that a page of a customer has no statement
    for announcements unless there are several.
    """
    session = getattr(current_user, "session", None)
    number = getattr(session, "notices_shown", None)
    if session is None or number is None or number > 1:
        return notices.shown()
    if not number:
        return []
    kind, french, english = session.newest_notice.split("\n")
    return [Notice(kind=kind, text_fr=french, text_en=english)]
