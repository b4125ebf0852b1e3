"""Forms for acts on money, and how each is shown, confirmed and done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import DateField, IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from desk import access, acts
from desk.acts import Act, ActForm
from models import MoneyAct
from shop import money_acts
from shop.money_acts import Wanted
from shop.text import formats
from web.customer_forms import TOO_LONG
from web.forms import stripped
from web.languages import current_language

KINDS = {
    "mark_paid": _l("Money received"),
    "credit": _l("Credit note"),
    "goodwill": _l("Goodwill"),
    "refund": _l("Refund of an order"),
    "retry_refund": _l("Refund asked for again"),
    "mark_refunded": _l("Refund made by transfer"),
    "pay_out": _l("Balance paid out"),
}

STATUSES = {
    "waiting": _l("Waits for a second member"),
    "done": _l("Done"),
    "refused": _l("Refused"),
}


class TransferForm(ActForm):
    """A transfer: its day and its reference at the bank."""

    day = DateField(
        _l("Day of the transfer"), [InputRequired(_l("Enter the day of the transfer."))]
    )
    reference = StringField(
        _l("Reference at the bank"),
        [
            InputRequired(_l("Give the reference of the transfer.")),
            Length(max=128, message=TOO_LONG),
        ],
        filters=[stripped],
        render_kw={"autocomplete": "off"},
    )


class PaidForm(TransferForm):
    """Money received; a part of what is owed for an invoice is possible."""

    amount = StringField(
        _l("Amount received (€)"),
        [InputRequired(_l("Enter an amount."))],
        filters=[stripped],
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )


class CreditForm(ActForm):
    """The amount or the share of a credit note; neither for all that is left."""

    amount = StringField(
        _l("Amount excl. VAT (€)"),
        filters=[stripped],
        description=_l("Empty for a share, or for all that is left."),
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )
    percent = IntegerField(
        _l("Share (%)"),
        [Optional(), NumberRange(1, 100, message=_l("A share is a whole number from 1 to 100."))],
        description=_l("Empty for an amount, or for all that is left."),
        render_kw={"inputmode": "numeric"},
    )


class GoodwillForm(ActForm):
    """An amount for the customer's balance."""

    amount = StringField(
        _l("Amount incl. VAT (€)"),
        [InputRequired(_l("Enter an amount."))],
        filters=[stripped],
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )


# --- Doing an act ------------------------------------------------------------------------------


@dataclass(frozen=True)
class MoneyForm:
    """A form for an act on money: how it is presented, and what it asks for."""

    title: str
    explanation: str
    button: str
    wanted: Callable[[Any], Wanted]
    form: type[ActForm] = ActForm
    is_told: bool = False


def resent() -> MoneyAct | None:
    """Return what was done by this form, if it was sent before: it may not be possible again."""
    if not request.form.get("confirmed"):
        return None
    return money_acts.find_by_key(request.form.get("key", "")[:64])


def presented(wanted: MoneyForm, back: str, effects: tuple[tuple[str, str], ...]) -> Act:
    """Return how a form is presented, with what it is about."""
    told = gettext("The customer reads it.") if wanted.is_told else ""
    return Act(
        title=wanted.title,
        explanation=wanted.explanation,
        button=wanted.button,
        back=back,
        done=gettext("Recorded."),
        effects=effects,
        hint=told,
        is_dangerous=True,
        part="money",
    )


def waiting() -> str:
    """Return when an act takes effect that waits for a second member."""
    return gettext("Once another member of staff has confirmed it")


def said_of(made: MoneyAct, act: Act) -> str:
    """Return what is said once an act was asked for: whether it is done, or waits."""
    waits = gettext("Recorded. It waits until another member of staff confirms it.")
    return waits if made.is_waiting else act.done


def take(wanted: MoneyForm, act: Act) -> Response:
    """Ask for what a form says; before the step that confirms it, check that it is possible."""
    form = wanted.form()

    def checked() -> Act:
        cents = wanted.wanted(form).cents
        amount = gettext("Amount of this act"), formats.money(cents, current_language())
        waits = ((gettext("Takes effect"), waiting()),) if money_acts.waits(cents) else ()
        return replace(act, effects=(*act.effects, amount, *waits))

    def do() -> str:
        given = form.given()
        asked = wanted.wanted(form)
        made = money_acts.perform(asked, given.reason, by=access.actor(), key=given.key)
        return said_of(made, act)

    return acts.take(form, act, do, checked=checked)
