"""What was typed in a form of the customer area, kept until its page is shown again, once.

A form is left for a while when its password is asked for (`manager.confirmation`), or when a
language is chosen without JavaScript: those buttons send the form, too
(templates/manager/languages.html; with JavaScript the browser keeps it, static/js/shop.js). The
session holds the fields, which is a cookie: none of them may be a secret.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlencode

from flask import request, session
from werkzeug.datastructures import MultiDict

KEY = "typed"

MOST_CHARACTERS = 1500
"""Of names and values together; the session is a cookie, of which browsers keep 4096 bytes."""

OF_THE_CHOICE = {"csrf_token", "language", "next"}


def keep(page_url: str, fields: list[tuple[str, str]]) -> None:
    """Keep these fields for the form of the page at ``page_url``, if they fit in a cookie."""
    if fields and sum(len(name) + len(value) for name, value in fields) <= MOST_CHARACTERS:
        session[KEY] = {"page": page_url.rstrip("?"), "fields": fields}


def keep_for_other_language(page_url: str) -> str:
    """Keep the fields of this request's form, but passwords, for the page at ``page_url``.

    Return the URL of that page, with the fields if it is one that takes them from there.
    """
    typed = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in OF_THE_CHOICE and "password" not in name
    ]
    if typed and "in_url" in request.args:
        return f"{page_url.partition('?')[0]}?{urlencode(typed)}"
    keep(page_url, typed)
    return page_url


def take(names: Collection[str]) -> MultiDict[str, str] | None:
    """Return what was kept for a form of this page with these fields, once; None for any other."""
    if request.method != "GET" or KEY not in session:
        return None
    kept = session[KEY]
    is_here = kept["page"] == request.full_path.rstrip("?")
    if not is_here or not {name for name, _ in kept["fields"]} <= set(names):
        return None
    del session[KEY]
    return MultiDict([(name, value) for name, value in kept["fields"]])
