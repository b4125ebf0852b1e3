"""Orders, invoices and credit notes with their payments, and the acts on their money."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, abort, url_for
from flask_babel import gettext

from desk import acts, desk
from desk.acts import Act
from desk.money.forms import (
    KINDS,
    STATUSES,
    CreditForm,
    MoneyForm,
    PaidForm,
    TransferForm,
    presented,
    resent,
    take,
)
from shop import clock, money_acts
from shop.money_acts import Wanted
from shop.money_acts.overview import DocumentMoney, money_of, read_amount
from shop.text import formats
from web.htmx import go_to, page
from web.languages import current_language


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
            _explanation_of_credit(money),
            gettext("Issue the credit note"),
            _credit_of(money),
            CreditForm,
            is_told=True,
        ),
        "refund": MoneyForm(
            gettext("Refund the order"),
            gettext("What was not delivered is refunded; what was delivered is kept."),
            gettext("Refund the order"),
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


def _explanation_of_credit(money: DocumentMoney) -> str:
    said = gettext("What was paid of it is refunded; the rest is taken off what is owed.")
    if money.invoice and money.invoice.is_payable and money.invoice.offset_cents:
        said = gettext(
            "What is still owed of it is taken off first; what was paid beyond that is given back."
        )
    if not money.lost_cents:
        return said
    more = gettext(
        "The bank has taken back a part of this payment already: a credit note counts that part as "
        "given back first, and refunds only the rest."
    )
    return f"{said} {more}"


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
    found = resent()
    if found is not None:
        return go_to(url_for("desk.money_document", number=found.number or number))
    money = _document(number)
    wanted = _form_of(money, name)
    return take(wanted, _act(wanted, money))


def _form_of(money: DocumentMoney, name: str) -> MoneyForm:
    found = _forms(money).get(name)
    if found is None:
        abort(404)
    return found


def _owed(money: DocumentMoney) -> int:
    return money.invoice.balance_cents if money.invoice else money.row.total_cents


def _euros(cents: int) -> str:
    mark = formats.locale_of(current_language()).number_symbols["latn"]["decimal"]
    return f"{cents // 100}{mark}{cents % 100:02d}"


def _act(wanted: MoneyForm, money: DocumentMoney) -> Act:
    row = money.row
    return presented(
        wanted,
        url_for("desk.money_document", number=row.number),
        (
            (gettext("Customer"), f"{money.account.nic_handle} · {money.account.full_name}"),
            (gettext("Number"), row.number),
            (gettext("Amount incl. VAT"), formats.money(row.total_cents, current_language())),
            (gettext("Balance"), formats.money(_owed(money), current_language())),
            *_lost(money),
        ),
    )


def _lost(money: DocumentMoney) -> tuple[tuple[str, str], ...]:
    if not money.lost_cents:
        return ()
    return ((gettext("Taken back"), formats.money(money.lost_cents, current_language())),)
