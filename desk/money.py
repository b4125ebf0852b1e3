"""Money: what a customer owes and has on balance, and the acts that change it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, abort, flash, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import DateField, IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from desk import access, acts, desk
from desk.acts import Act, ActForm
from models import Account, AccountCredit, MoneyAct
from shop import clock, money_acts, settings
from shop.errors import Refusal
from shop.invoicing import account_credits
from shop.money_acts import Wanted
from shop.money_acts.overview import MOST, DocumentMoney, find_customer, money_of, read_amount
from shop.text import formats
from web.arguments import number_of
from web.customer_forms import TOO_LONG
from web.forms import stripped
from web.htmx import go_to, page
from web.languages import current

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


DECISIONS = {"confirm": money_acts.confirm, "refuse": money_acts.refuse}


# --- Forms -------------------------------------------------------------------------------------


class TransferForm(ActForm):
    """A transfer: its day and its reference at the bank."""

    day = DateField(_l("Day of the transfer"), [InputRequired(_l("Fill in this field."))])
    reference = StringField(
        _l("Reference at the bank"),
        [InputRequired(_l("Fill in this field.")), Length(max=128, message=TOO_LONG)],
        filters=[stripped],
        render_kw={"autocomplete": "off"},
    )


class PaidForm(TransferForm):
    """Money received; a part of what is owed for an invoice is possible."""

    amount = StringField(
        _l("Amount received (€)"),
        [InputRequired(_l("Fill in this field."))],
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
        [InputRequired(_l("Fill in this field."))],
        filters=[stripped],
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )


# --- Acts on a document ------------------------------------------------------------------------


@dataclass(frozen=True)
class MoneyForm:
    """A form for an act on money: how it is presented, and what it asks for."""

    title: str
    explanation: str
    button: str
    wanted: Callable[[Any], Wanted]
    form: type[ActForm] = ActForm
    is_told: bool = False


def _forms(money: DocumentMoney) -> dict[str, MoneyForm]:
    """Return the forms of the acts that are possible on a document, by their names in URLs."""
    row = money.row
    forms = {
        "mark-paid": MoneyForm(
            gettext("Record money received"),
            gettext("A part of an invoice is taken off it; the whole amount pays it."),
            gettext("Record"),
            lambda form: money_acts.mark_paid(
                row, day=form.day.data, reference=form.reference.data,
                cents=read_amount(form.amount.data),
            ),
            PaidForm,
        ),
        "credit": MoneyForm(
            gettext("Issue a credit note"),
            gettext("What was paid of it is refunded; the rest is taken off what is owed."),
            gettext("Issue the credit note"),
            _credit_of(money),
            CreditForm,
            is_told=True,
        ),
        "refund": MoneyForm(
            gettext("Refund the order"),
            gettext("What was not delivered is refunded; what was delivered is kept."),
            gettext("Refund"),
            lambda _form: money_acts.refund(_order_of(money)),
        ),
        "retry-refund": MoneyForm(
            gettext("Ask for the refund again"),
            gettext("The bank is asked once more to make the refund that failed."),
            gettext("Ask again"),
            lambda _form: money_acts.retry_refund(row),
        ),
        "mark-refunded": MoneyForm(
            gettext("Record a refund by transfer"),
            gettext("Record it once you have made the transfer: it moves no money itself."),
            gettext("Record"),
            lambda form: money_acts.mark_refunded(
                row, day=form.day.data, reference=form.reference.data
            ),
            TransferForm,
        ),
    }  # fmt: skip
    return {name: form for name, form in forms.items() if name in money.names}


def _credit_of(money: DocumentMoney) -> Callable[[Any], Wanted]:
    def wanted(form: Any) -> Wanted:
        assert money.invoice is not None
        cents = read_amount(form.amount.data) if form.amount.data else None
        return money_acts.credit(money.invoice, net_cents=cents, percent=form.percent.data)

    return wanted


def _order_of(money: DocumentMoney) -> Any:
    assert money.order is not None
    return money.order


def _document(number: str) -> DocumentMoney:
    found = money_of(number)
    if found is None:
        abort(404)
    return found


@desk.get("/money/documents/<number>")
def money_document(number: str) -> Response:
    """Show an order, an invoice or a credit note with its payments, and the acts on it."""
    money = _document(number)
    return page(
        "desk/money_document.html",
        money=money,
        forms=_forms(money),
        kinds=KINDS,
        statuses=STATUSES,
    )


@desk.get("/money/documents/<number>/<name>")
def money_form(number: str, name: str) -> Response:
    """Show the form of an act."""
    money = _document(number)
    wanted = _form_of(money, name)
    form = wanted.form()
    if isinstance(form, PaidForm) and not form.amount.data:
        form.amount.data = _euros(_owed(money))
    if isinstance(form, TransferForm):
        form.day.data = form.day.data or clock.today()
    return acts.show(form, _act(wanted, money))


@desk.post("/money/documents/<number>/<name>")
def take_money_form(number: str, name: str) -> Response:
    """Do an act on a document, once it is confirmed; twice sent, it is done once."""
    found = _resent()
    if found is not None:
        return go_to(url_for("desk.money_document", number=found.number or number))
    money = _document(number)
    wanted = _form_of(money, name)
    return _take(wanted, _act(wanted, money))


def _resent() -> MoneyAct | None:
    """Return what was done by this form, if it was sent before: it may not be possible again."""
    if not request.form.get("confirmed"):
        return None
    return money_acts.find_by_key(request.form.get("key", "")[:64])


def _form_of(money: DocumentMoney, name: str) -> MoneyForm:
    found = _forms(money).get(name)
    if found is None:
        abort(404)
    return found


def _owed(money: DocumentMoney) -> int:
    return money.invoice.balance_cents if money.invoice else money.row.total_cents


def _euros(cents: int) -> str:
    mark = formats.locale_of(current()).number_symbols["latn"]["decimal"]
    return f"{cents // 100}{mark}{cents % 100:02d}"


def _act(wanted: MoneyForm, money: DocumentMoney) -> Act:
    row = money.row
    return _presented(
        wanted,
        url_for("desk.money_document", number=row.number),
        (
            (gettext("Customer"), f"{money.account.nic_handle} · {money.account.full_name}"),
            (gettext("Number"), row.number),
            (gettext("Amount incl. VAT"), formats.money(row.total_cents, current())),
            (gettext("Balance"), formats.money(_owed(money), current())),
        ),
    )


def _presented(wanted: MoneyForm, back: str, effects: tuple[tuple[str, str], ...]) -> Act:
    limit = formats.money(settings.current().desk_approval_cents, current())
    told = gettext("The customer reads it.") if wanted.is_told else ""
    return Act(
        title=wanted.title,
        explanation=wanted.explanation,
        button=wanted.button,
        back=back,
        done=gettext(
            "Recorded. Above %(limit)s it waits until another member of staff confirms it.",
            limit=limit,
        ),
        effects=effects,
        hint=told,
        is_dangerous=True,
        part="money",
    )


def _take(wanted: MoneyForm, act: Act) -> Response:
    """Ask for what a form says; before the step that confirms it, check that it is possible."""
    form = wanted.form()
    if not form.validate_on_submit() or not form.key.data:
        return acts.show(form, act, 422)
    try:
        asked = wanted.wanted(form)
    except Refusal as refusal:
        form.refuse(refusal)
        return acts.show(form, act, refusal.status)
    amount = gettext("Amount of this act"), formats.money(asked.cents, current())
    shown = replace(act, effects=(*act.effects, amount))

    def do() -> None:
        given = form.given()
        money_acts.perform(asked, given.reason, by=access.actor(), key=given.key)

    return acts.take(form, shown, do)


# --- A customer ----------------------------------------------------------------------------------


def _customer(nic: str) -> Account:
    found = find_customer(nic)
    if found is None:
        abort(404)
    return found


@desk.get("/money/customers/<nic>")
def customer_money(nic: str) -> Response:
    """Show a customer's balance, and the acts on their money."""
    who = _customer(nic)
    return page(
        "desk/customer_money.html",
        who=who,
        available=account_credits.available_of(who),
        credits=list(account_credits.credits_of(who).limit(MOST)),
        acts=list(money_acts.acts_of(who).limit(MOST)),
        kinds=KINDS,
        statuses=STATUSES,
    )


def _goodwill(who: Account) -> MoneyForm:
    return MoneyForm(
        gettext("Give goodwill"),
        gettext("The next invoices use it; it is never paid out."),
        gettext("Put it on the balance"),
        lambda form: money_acts.goodwill(who, read_amount(form.amount.data)),
        GoodwillForm,
        is_told=True,
    )  # fmt: skip


def _about_customer(wanted: MoneyForm, who: Account) -> Act:
    return _presented(
        wanted,
        url_for("desk.customer_money", nic=who.nic_handle),
        (
            (gettext("Customer"), f"{who.nic_handle} · {who.full_name}"),
            (
                gettext("Balance of the account"),
                formats.money(account_credits.available_of(who), current()),
            ),
        ),
    )


@desk.get("/money/customers/<nic>/goodwill")
def goodwill(nic: str) -> Response:
    """Show the form that gives goodwill."""
    who = _customer(nic)
    return acts.show(GoodwillForm(), _about_customer(_goodwill(who), who))


@desk.post("/money/customers/<nic>/goodwill")
def take_goodwill(nic: str) -> Response:
    """Give goodwill, once it is confirmed."""
    who = _customer(nic)
    return _take(_goodwill(who), _about_customer(_goodwill(who), who))


def _pay_out(who: Account, number: int) -> MoneyForm:
    held = account_credits.find_credit(who, number)
    if held is None or not held.can_be_paid_out:
        abort(404)
    credit: AccountCredit = held
    return MoneyForm(
        gettext("Record a balance paid out"),
        gettext("Record it once you have made the transfer: it moves no money itself."),
        gettext("Record"),
        lambda form: money_acts.pay_out(credit, day=form.day.data, reference=form.reference.data),
        TransferForm,
    )


@desk.get("/money/customers/<nic>/pay-out/<int:number>")
def pay_out(nic: str, number: int) -> Response:
    """Show the form that records that a part payment was given back."""
    who = _customer(nic)
    wanted = _pay_out(who, number)
    form = TransferForm()
    form.day.data = form.day.data or clock.today()
    return acts.show(form, _about_customer(wanted, who))


@desk.post("/money/customers/<nic>/pay-out/<int:number>")
def take_pay_out(nic: str, number: int) -> Response:
    """Record that a part payment was given back, once it is confirmed."""
    who = _customer(nic)
    if _resent() is not None:
        return go_to(url_for("desk.customer_money", nic=nic))
    wanted = _pay_out(who, number)
    return _take(wanted, _about_customer(wanted, who))


# --- Acts that wait ------------------------------------------------------------------------------


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
        (gettext("Amount of this act"), formats.money(act.cents, current())),
        (gettext("Asked for by"), act.asked_by),
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
