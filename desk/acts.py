"""Acts at the desk: a form with a required reason, a step to confirm it, and once for each form.

A view shows the form with `show` and takes it with `take`::

    @desk.get("/things/<number>/end", endpoint="end_thing")
    def show_end(number: str) -> Response:
        return acts.show(EndForm(), _ending(number))

    @desk.post("/things/<number>/end")
    def take_end(number: str) -> Response:
        form, act = EndForm(), _ending(number)
        return acts.take(form, act, lambda: things.end(..., form.given(), by=access.actor()))

``do`` may raise a `Refusal`, shown at its field (422). What it writes has to be unique for
``form.given().key``; `recorded_once` does that for acts without a table of their own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, flash, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, Length

from desk import access, languages
from models import database
from shop import clock
from shop.errors import Refusal
from shop.staff.acts import LONGEST_REASON, is_recorded, record_act
from shop.text import formats
from web.customer_forms import TOO_LONG
from web.forms import ShopForm, stripped
from web.htmx import go_to, page
from web.languages import current_language

LONGEST_KEY = 64
"""Our own keys are shorter; a longer one is cut as the records of acts cut it."""

HIDDEN = {"csrf_token", "key", "confirmed"}


@dataclass(frozen=True)
class Given:
    """What every act is given: the key of its form, and the reason."""

    key: str
    reason: str


class ActForm(ShopForm):
    """The reason of an act. Fields of an act stand in a subclass, before the reason."""

    reason = StringField(
        _l("Reason"),
        [
            DataRequired(_l("Give the reason.")),
            Length(max=LONGEST_REASON, message=TOO_LONG),
        ],
        filters=[stripped],
        render_kw={"autocomplete": "off"},
    )
    key = HiddenField()
    confirmed = HiddenField()

    def given(self) -> Given:
        """Return the key of this form and the reason."""
        return Given((self.key.data or "")[:LONGEST_KEY], self.reason.data or "")

    def shown(self) -> list[Any]:
        """Return the fields a member of staff fills in, the reason last."""
        named = [field for field in self if field.name not in HIDDEN and field.name != "reason"]
        return [*named, self.reason]


@dataclass(frozen=True)
class Act:
    """How an act is presented; all texts are translated.

    ``explanation`` says what it does, ``effects`` the facts to check before confirming (label and
    value), ``button`` names it, ``back`` is the page it belongs to, ``done`` is said afterwards.
    ``preview`` is the offer that the confirmation shows as customers will see it, if any.
    """

    title: str
    explanation: str
    button: str
    back: str
    done: str
    effects: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    is_dangerous: bool = False
    part: str = ""
    preview: Any = None


def show(form: ActForm, act: Act, status: int = 200) -> Response:
    """Show the form of an act."""
    if not form.key.data:
        form.key.data = secrets.token_urlsafe(24)
    return page("desk/act.html", status=status, form=form, act=act)


def take(
    form: ActForm,
    act: Act,
    do: Callable[[], object],
    arrive: Callable[[], str] | None = None,
    checked: Callable[[], Act] | None = None,
) -> Response:
    """Have the act confirmed, then do it. Refusals are shown at their field.

    ``do`` returns False where this form was sent before: what is said stays the same. Where it
    returns a text, that is said instead of ``act.done``. ``arrive`` makes the URL to go to, by
    default ``act.back``. ``checked`` returns the act as the confirmation shows it, and raises a
    `Refusal` for what is not valid, before there is anything to confirm. Either step is only shown
    again where another language was chosen in it.
    """
    if languages.is_chosen():
        if not form.confirmed.data:
            return show(form, act)
        form.confirmed.data = ""
    if not form.validate_on_submit() or not form.key.data:
        return show(form, act, 422)
    try:
        if not form.confirmed.data:
            return _to_confirm(form, checked() if checked else act)
        said = do()
    except Refusal as refusal:
        form.confirmed.data = ""
        form.refuse(refusal)
        return show(form, act, refusal.status)
    flash(said if isinstance(said, str) else act.done, "success")
    return go_to(arrive() if arrive else act.back)


def done_before(done: str, back: str) -> Response | None:
    """Return the answer to a form that was sent before and did its act; None to all others.

    What the act was about may be gone. ``done`` and ``back`` are those of the `Act`.
    """
    if not request.form.get("confirmed") or not is_recorded(request.form.get("key", "")):
        return None
    flash(done, "success")
    return go_to(back)


def recorded_once(form: ActForm, kind: str, subject: str, do: Callable[[], object]) -> Any:
    """Return what does an act and records it, once for each form sent."""

    def done() -> bool:
        given = form.given()
        with database.atomic():
            is_first = record_act(
                given.key, by=access.actor(), kind=kind, reason=given.reason, subject=subject
            )
            if is_first:
                do()
        return is_first

    return done


def _to_confirm(form: ActForm, act: Act) -> Response:
    return page("desk/act_confirmation.html", form=form, act=act, values=_values(form))


def _values(form: ActForm) -> list[tuple[str, str]]:
    return [(field.label.text, _value(field)) for field in form.shown()]


def _value(field: Any) -> str:
    if field.type == "BooleanField":
        return gettext("Yes") if field.data else gettext("No")
    if field.type == "DateField" and field.data:
        return formats.day(field.data, current_language())
    if field.type == "DateTimeLocalField" and field.data:
        return formats.short_moment(field.data.replace(tzinfo=clock.PARIS), current_language())
    for value, label, *_ in getattr(field, "iter_choices", lambda: ())():
        if str(value) == str(field.data):
            return str(label)
    return str(field._value() if hasattr(field, "_value") else field.data or "") or "–"
