"""Bank statements: uploaded, matched with what is owed, and recorded line by line."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, flash, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from desk import access, acts, desk
from desk.acts import Act, ActForm
from desk.money.forms import said_of
from models import BankLine
from shop import money_acts
from shop.errors import N_, Refusal
from shop.money_acts import statements
from shop.text import formats
from web.arguments import number_of
from web.customer_forms import TOO_LONG
from web.forms import stripped
from web.htmx import go_to, page
from web.languages import current_language, sentence

MOST = 50


class LineForm(ActForm):
    """The order or invoice that a transfer pays."""

    number = StringField(
        _l("Number of an order or an invoice"),
        [
            InputRequired(_l("Enter the number of an order or an invoice.")),
            Length(max=20, message=TOO_LONG),
        ],
        filters=[stripped],
        render_kw={"autocomplete": "off"},
    )


@desk.get("/money/statements")
def bank_lines() -> Response:
    """List the transfers that nobody has decided, with what they may pay."""
    return _page()


def _page(error: str = "", status: int = 200) -> Response:
    after = number_of(request.args, "after")
    rows = list(statements.open_lines(after).limit(MOST + 1))
    return page(
        "desk/bank_lines.html",
        status=status,
        proposals=statements.proposals(rows[:MOST]),
        next_after=rows[MOST - 1].id if len(rows) > MOST else None,
        error=error,
    )


@desk.post("/money/statements")
def upload_statement() -> Response:
    """Keep the transfers of a statement: those that are known already once."""
    given = request.files.get("file")
    try:
        if given is None or not given.filename:
            raise Refusal(N_("Choose a file."), "file")
        new, known = statements.keep(given.read(), by=access.actor())
    except Refusal as refusal:
        return _page(sentence(refusal), refusal.status)
    flash(
        gettext("%(new)s transfers are new, %(known)s were known.", new=new, known=known), "success"
    )
    return go_to(url_for("desk.bank_lines"))


def _line(number: int, name: str) -> BankLine:
    found = statements.find_line(number)
    if found is None or name not in {"record", "ignore"}:
        abort(404)
    return found


def _act(line: BankLine, name: str) -> Act:
    is_recorded = name == "record"
    return Act(
        title=gettext("Record a transfer") if is_recorded else gettext("Ignore a transfer"),
        explanation=gettext("It pays the order or invoice, or a part of an invoice.")
        if is_recorded
        else gettext("It is no payment of a customer."),
        button=gettext("Record") if is_recorded else gettext("Ignore"),
        back=url_for("desk.bank_lines"),
        done=gettext("The transfer is dealt with."),
        effects=(
            (gettext("Date"), formats.day(line.day, current_language())),
            (gettext("Amount"), formats.money(line.cents, current_language())),
            (gettext("Payer"), line.payer),
            (gettext("Text"), line.text),
            (gettext("Reference at the bank"), line.reference),
        ),
        is_dangerous=True,
        part="money",
    )


def _form(name: str) -> Any:
    return LineForm() if name == "record" else ActForm()


@desk.get("/money/statements/<int:number>/<name>")
def bank_line_act(number: int, name: str) -> Response:
    """Show the form that records or ignores a transfer; with the number that its text names."""
    line, form = _line(number, name), _form(name)
    if not line.is_open:
        flash(gettext("This line was recorded or ignored before."), "info")
        return go_to(url_for("desk.bank_lines"))
    if name == "record":
        (proposed,) = statements.proposals([line])
        form.number.data = proposed.debt.number if proposed.debt else ""
    return acts.show(form, _act(line, name))


@desk.post("/money/statements/<int:number>/<name>")
def take_bank_line_act(number: int, name: str) -> Response:
    """Record or ignore a transfer, once it is confirmed."""
    line, form = _line(number, name), _form(name)

    act = _act(line, name)

    def do() -> str:
        given, by = form.given(), access.actor()
        if name == "ignore":
            statements.ignore(line, given.reason, by=by)
            return act.done
        made = money_acts.find_by_key(given.key)
        if made is None:
            wanted = statements.recording(line, form.number.data.upper())
            made = money_acts.perform(wanted, given.reason, by=by, key=given.key)
        return said_of(made, act)

    return acts.take(form, act, do)
