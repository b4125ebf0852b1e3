"""The announcements that a page shows."""

from __future__ import annotations

from flask import g
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
    if session is None or number is None:
        return without_session()[1]
    if number > 1:
        return notices.shown()
    if not number:
        return []
    kind, french, english = session.newest_notice.split("\n")
    return [Notice(kind=kind, text_fr=french, text_en=english)]


def without_session() -> tuple[str, list[Notice]]:
    """Return what the query of a session brings to others: the catalogue's token, announcements.

    One statement in a request.
    """
    if "token_and_notices" not in g:
        g.token_and_notices = notices.shown_with_token()
    found: tuple[str, list[Notice]] = g.token_and_notices
    return found
