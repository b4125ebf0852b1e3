"""Acts on money that a second member of staff confirms or refuses."""

from __future__ import annotations

from dataclasses import replace

from flask import Response, abort, flash, request, url_for
from flask_babel import gettext

from desk import access, acts, desk
from desk.acts import Act, ActForm
from desk.money.forms import (
    KINDS,
)
from models import MoneyAct
from shop import money_acts, settings
from shop.money_acts.overview import MOST, money_of
from shop.text import formats
from web.arguments import number_of
from web.htmx import go_to, page
from web.languages import current_language

DECISIONS = {"confirm": money_acts.confirm, "refuse": money_acts.refuse}


@desk.get("/money")
def waiting_acts() -> Response:
    """List the acts that a second member of staff has to confirm."""
    after = number_of(request.args, "after")
    rows = list(money_acts.waiting(after).limit(MOST + 1))
    return page(
        "desk/waiting_acts.html",
        rows=rows[:MOST],
        next_after=rows[MOST - 1].id if len(rows) > MOST else None,
        kinds=KINDS,
        limit=settings.current().desk_approval_cents,
        wrong=request.args.get("number", "")[:20] if request.args.get("wrong") else "",
    )


@desk.get("/money/find")
def find_money() -> Response:
    """Open the order, invoice or credit note with a number that was typed."""
    number = request.args.get("number", "").strip().upper()[:20]
    if money_of(number) is None:
        return go_to(url_for("desk.waiting_acts", wrong=1, number=number))
    return go_to(url_for("desk.money_document", number=number))


def _waiting(number: int, name: str) -> MoneyAct:
    found = money_acts.find_act(number)
    if found is None or name not in DECISIONS:
        abort(404)
    return found


def _decision(act: MoneyAct, name: str) -> Act:
    facts = (
        (gettext("Customer"), f"{act.account.nic_handle} · {act.account.full_name}"),
        (gettext("What"), str(KINDS[act.kind])),
        (gettext("Number"), act.number),
        (gettext("Amount of this act"), formats.money(act.cents, current_language())),
        (gettext("Asked for by"), act.asked_by.removeprefix("staff:")),
        (gettext("Their reason"), act.reason),
    )
    base = Act(
        title=gettext("Refuse an act on money"),
        explanation=gettext("It is not done."),
        button=gettext("Refuse"),
        back=url_for("desk.waiting_acts"),
        done=gettext("Refused."),
        effects=facts,
        is_dangerous=True,
        part="money",
    )
    if name == "refuse":
        return base
    return replace(
        base,
        title=gettext("Confirm an act on money"),
        explanation=gettext("It takes effect at once."),
        button=gettext("Confirm"),
        done=gettext("Confirmed and done."),
    )


@desk.get("/money/acts/<int:number>/<name>")
def decide_act(number: int, name: str) -> Response:
    """Show the form that confirms or refuses an act that waits."""
    act = _waiting(number, name)
    if not act.is_waiting:
        flash(gettext("This was confirmed or refused before."), "info")
        return go_to(url_for("desk.waiting_acts"))
    return acts.show(ActForm(), _decision(act, name))


@desk.post("/money/acts/<int:number>/<name>")
def take_decision(number: int, name: str) -> Response:
    """Confirm or refuse an act that waits; not one's own."""
    act, form = _waiting(number, name), ActForm()
    decide = DECISIONS[name]
    return acts.take(
        form,
        _decision(act, name),
        lambda: decide(act, by=access.actor(), note=form.given().reason),
    )
