"""What a customer has on balance, and the acts on it."""

from __future__ import annotations

from flask import Response, abort, url_for
from flask_babel import gettext

from desk import acts, desk
from desk.acts import Act
from desk.money.forms import (
    KINDS,
    STATUSES,
    GoodwillForm,
    MoneyForm,
    TransferForm,
    presented,
    resent,
    take,
)
from models import Account, AccountCredit
from shop import clock, money_acts
from shop.invoicing import account_credits
from shop.money_acts.overview import MOST, find_customer, read_amount
from shop.text import formats
from web.htmx import go_to, page
from web.languages import current_language


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
    return presented(
        wanted,
        url_for("desk.customer_money", nic=who.nic_handle),
        (
            (gettext("Customer"), f"{who.nic_handle} · {who.full_name}"),
            (
                gettext("Balance of the account"),
                formats.money(account_credits.available_of(who), current_language()),
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
    return take(_goodwill(who), _about_customer(_goodwill(who), who))


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
    if resent() is not None:
        return go_to(url_for("desk.customer_money", nic=nic))
    wanted = _pay_out(who, number)
    return take(wanted, _about_customer(wanted, who))
