"""What was typed in a form of the customer area, kept until its page is shown again, once.

A form is left for a while when its password is asked for (`manager.confirmation`), when the
session has ended meanwhile (`web.auth`), or when a language is chosen without JavaScript: those
buttons send the form, too (templates/manager/languages.html; with JavaScript the browser keeps it,
static/js/shop.js). The session holds the fields, which is a cookie: none of them may be a secret.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import current_app, request, session
from werkzeug.datastructures import MultiDict

KEY = "typed"

MOST_CHARACTERS = 1500
"""Of names and values together; the session is a cookie, of which browsers keep 4096 bytes."""

OF_THE_CHOICE = {"csrf_token", "language", "next"}

SECRETS = {"code", "credential"}
"""Names of secrets, beside those of passwords: a recovery code, the answer of a device."""

CHECKS = "/fields/"
"""What stands in the path of the check of one field, behind the path of its form."""


def keep(page_url: str, fields: list[tuple[str, str]], account_id: int | None = None) -> None:
    """Keep these fields for the form of the page at ``page_url``, if they fit in a cookie.

    With ``account_id`` they are kept until that account signs in, as well.
    """
    if fields and sum(len(name) + len(value) for name, value in fields) <= MOST_CHARACTERS:
        session[KEY] = {"page": page_url.rstrip("?"), "fields": fields, "of": account_id}


def keep_for_other_language(page_url: str) -> str:
    """Keep the fields of this request's form, but secrets, for the page at ``page_url``.

    Return the URL of that page, with the fields if it is one that takes them from there.
    """
    typed = _typed()
    if typed and "in_url" in request.args:
        return f"{page_url.partition('?')[0]}?{urlencode(typed)}"
    keep(page_url, typed)
    return page_url


def _typed() -> list[tuple[str, str]]:
    """Return the fields of this request's form that are no secret."""
    return [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in OF_THE_CHOICE | SECRETS and "password" not in name
    ]


def keep_until_sign_in(shown: str | None, account_id: int) -> str | None:
    """Keep what was typed in this request's form until this account has signed in again.

    ``shown`` is the page that sent it. Return the page that shows the form again: ``shown``, or the
    form's own where it stood in a dialog.
    """
    path = request.path.partition(CHECKS)[0]
    is_dialog = shown is None or urlsplit(shown).path != path
    here = path if is_dialog and _can_be_opened(path) else shown
    if here:
        keep(here, _typed(), account_id)
    return here


def _can_be_opened(path: str) -> bool:
    adapter = current_app.create_url_adapter(request)
    return adapter is not None and adapter.test(path, "GET")


def kept_for() -> int | None:
    """Return the account that what is kept waits for, until it signs in; None if for none."""
    found: int | None = session.get(KEY, {}).get("of")
    return found


def of_account(account_id: int) -> dict[str, Any]:
    """Return what the session keeps for an account that signs in again; empty if there is none."""
    return {KEY: session[KEY]} if kept_for() == account_id else {}


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
