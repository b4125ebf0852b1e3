"""The language of the desk, chosen on every page of it.

A page with a form sends the choice with it, to the form's own URL, as the order page does: what was
typed is shown again in the other language, and nothing is done. So nothing is kept elsewhere,
however long it is, with and without JavaScript (templates/desk/_languages.html).
"""

from __future__ import annotations

import flask_babel
from flask import Response, g, request, url_for

from desk import access, desk
from models import Language
from shop.staff import accounts
from web import auth
from web.htmx import go_to

OF_FORM = "in_language"
"""What the choice is called where it is sent with a form; forms have fields called language."""


@desk.before_request
def _choose() -> None:
    if access.is_signed_in() and is_chosen():
        _set(request.form[OF_FORM])


def is_chosen() -> bool:
    """Return whether this form was sent to be shown in another language, and for nothing else."""
    return OF_FORM in request.form


def _set(wanted: str) -> None:
    if wanted in tuple(Language):
        accounts.set_language(access.staff(), wanted)
        g.language = wanted
        flask_babel.refresh()


@desk.post("/language")
def change_language() -> Response:
    """Change the language of the desk for this member."""
    _set(request.form.get("language", ""))
    home = url_for("desk.own_account")
    found = auth.safe_next(request.form.get("next"), home)
    return go_to(found if found.startswith("/desk/") else home)
