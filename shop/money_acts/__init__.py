"""Acts of the staff on a customer's money: each has a reason and takes effect once.

An act of more than ``DESK_APPROVAL_CENTS`` waits until a second member of staff confirms it. The
key is that of the form which asked for it: sent twice, it is the same act.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from peewee import IntegrityError, ModelSelect

from records.account_credits import AccountCredit
from records.accounts import Account
from records.bank_lines import BankLine, BankLineStatus
from records.base import database, lock
from records.invoices import Invoice
from records.money_acts import MoneyAct, MoneyActKind, MoneyActStatus
from records.orders import Order
from shop import clock, settings, transitions
from shop.customers import holds
from shop.errors import N_, Conflict, Refusal
from shop.invoicing import account_credits, credit_notes, order_invoices
from shop.orders import orders
from shop.payments import (
    manual_refunds,
    payables,
    payments,
    refundables,
    refunds,
    transfer_days,
)
from shop.pricing.lines import Position

REASON_MISSING = N_("Give the reason: it is kept on record.")
OWN_ACT = N_("Another member of staff has to confirm this.")
DECIDED = N_("This was confirmed or refused before.")
NOT_AN_INVOICE = N_("This is not an invoice.")


@dataclass(frozen=True)
class Wanted:
    """What a member of staff asks for: ``number`` names the order, invoice or credit note.

    ``cents`` is the amount of money (VAT included); ``details`` is what else was filled in.
    """

    kind: MoneyActKind
    account: Account
    cents: int
    number: str = ""
    details: dict[str, Any] | None = None


# --- What can be asked for -------------------------------------------------------------------


def mark_paid(
    debt: payables.Debt, *, day: date, reference: str, cents: int | None = None
) -> Wanted:
    """Ask to record money that arrived for an order or an invoice, wholly or for a part of it."""
    if not reference.strip():
        raise Refusal(N_("Give the reference of the transfer."), "reference")
    transfer_days.check_day(day)
    payable = payables.for_debt(debt)
    if not payable.can_be_paid:
        raise payable.not_payable()
    if cents is not None and cents <= 0:
        raise Refusal(N_("Enter an amount."), "amount")
    details = {"day": day.isoformat(), "reference": " ".join(reference.split()), "cents": cents}
    amount = payable.cents if cents is None else cents
    return Wanted(MoneyActKind.MARK_PAID, debt.account, amount, debt.number, details)


def credit(invoice: Invoice, *, net_cents: int | None = None, percent: int | None = None) -> Wanted:
    """Ask for a credit note of an amount excluding VAT, of a share, or of all that is left."""
    details = {"net_cents": net_cents, "percent": percent}
    totals = credit_notes.totals_of(invoice, _positions(invoice, details), by_amount=True)
    return Wanted(MoneyActKind.CREDIT, invoice.account, totals.total_cents, invoice.number, details)


def goodwill(account: Account, cents: int) -> Wanted:
    """Ask to put an amount on a customer's balance, for the next invoice."""
    if cents <= 0:
        raise Refusal(N_("Enter an amount."), "amount")
    return Wanted(MoneyActKind.GOODWILL, account, cents)


def refund(order: Order) -> Wanted:
    """Ask to give back what was not delivered of an order."""
    payment = order_invoices.kept_payment(order)
    cents = payment.refund_cents if payment is not None else 0
    return Wanted(MoneyActKind.REFUND, order.account, cents, order.number)


def retry_refund(debt: payables.Debt) -> Wanted:
    """Ask the bank again for a refund that failed."""
    cents = _cents_asked(refundables.refund_due_of(debt))
    return Wanted(MoneyActKind.RETRY_REFUND, debt.account, cents, debt.number)


def _cents_asked(due: refundables.Refundable) -> int:
    """Return the cents that the bank would be asked for again now."""
    return due.open_cents or due.due_cents


def mark_refunded(debt: payables.Debt, *, day: date, reference: str) -> Wanted:
    """Ask to record that money was given back by transfer."""
    if not reference.strip():
        raise Refusal(N_("Give the reference of the transfer."), "reference")
    transfer_days.check_day(day)
    cents = _cents_transferred(refundables.refund_due_of(debt))
    details = {"day": day.isoformat(), "reference": reference.strip()}
    return Wanted(MoneyActKind.MARK_REFUNDED, debt.account, cents, debt.number, details)


def _cents_transferred(due: refundables.Refundable) -> int:
    """Return the cents that a transfer recorded now would have given back."""
    return manual_refunds.cents_of(due) or due.due_cents


def pay_out(held: AccountCredit, *, day: date, reference: str) -> Wanted:
    """Ask to record that what is left of a transfer was given back by another one."""
    if not reference.strip():
        raise Refusal(N_("Give the reference of the transfer."), "reference")
    transfer_days.check_day(day)
    details = {"credit": held.id, "day": day.isoformat(), "reference": reference.strip()}
    return Wanted(MoneyActKind.PAY_OUT, held.account, held.left_cents, "", details)


# --- Asking, confirming, refusing --------------------------------------------------------------


def waits(cents: int) -> bool:
    """Return whether an act of that amount waits for a second member of staff."""
    return cents > settings.current().desk_approval_cents


def perform(wanted: Wanted, reason: str, *, by: str, key: str) -> MoneyAct:
    """Carry an act out, or let it wait for a second member of staff; idempotent by its key.

    Raise `Refusal` where the reason is missing, and what the operation itself refuses.
    """
    reason = " ".join(reason.split())[:255]
    if not reason:
        raise Refusal(REASON_MISSING, "reason")
    earlier = find_by_key(key)
    if earlier is not None:
        return earlier
    _check_not_held(wanted.kind, wanted.account)
    is_waiting = waits(wanted.cents)
    if not is_waiting:
        _prepare(wanted.kind, wanted.number)
    try:
        with database.atomic():
            act: MoneyAct = MoneyAct.create(
                key=key, kind=wanted.kind, account=wanted.account, number=wanted.number,
                cents=wanted.cents, details=wanted.details or {}, reason=reason,
                status=MoneyActStatus.WAITING if is_waiting else MoneyActStatus.DONE,
                asked_by=by, asked_at=clock.now(),
            )  # fmt: skip
            transitions.record(act, f"money_{act.kind}", by=by, note=reason, to_status=act.status)
            if not is_waiting:
                _carry_out(act)
            return act
    except IntegrityError:
        # The same form, sent twice: the unique key lets one of them through.
        earlier = find_by_key(key)
        if earlier is None:
            raise
        return earlier


def confirm(act: MoneyAct, *, by: str, note: str = "") -> MoneyAct:
    """Carry out an act that waits; by another member of staff than the one who asked for it.

    Raise `Conflict` where it was decided before, `Refusal` for one's own act, and what the
    operation itself refuses.
    """
    _check_decides(act, by)
    _check_not_held(act.kind, act.account)
    _prepare(act.kind, act.number)
    with database.atomic():
        _decide(act, MoneyActStatus.DONE, by, note=note)
        _carry_out(act)
    return act


def refuse(act: MoneyAct, *, by: str, note: str = "") -> MoneyAct:
    """Refuse an act that waits; whoever asked for it takes it back by that.

    Raise `Conflict` where it was decided before.
    """
    with database.atomic():
        _decide(act, MoneyActStatus.REFUSED, "" if by == act.asked_by else by, actor=by, note=note)
    return act


def _check_not_held(kind: str, account: Account) -> None:
    """Raise `holds.MoneyHeld` for money that leaves the shop soon after a change of the sign-in."""
    if kind != MoneyActKind.MARK_PAID:
        holds.check_not_held(account)


def _check_decides(act: MoneyAct, by: str) -> None:
    if by == act.asked_by:
        raise Refusal(OWN_ACT)
    if not act.is_waiting:
        raise Conflict(DECIDED)


def _decide(act: MoneyAct, status: str, by: str, *, actor: str = "", note: str = "") -> None:
    won = act.may_become(status) and transitions.move(
        act, status, by=actor or by, note=note or act.reason, decided_by=by, decided_at=clock.now()
    )
    if not won:
        raise Conflict(DECIDED)


# --- Carrying out --------------------------------------------------------------------------------


def _prepare(kind: str, number: str) -> None:
    """Close what is pending at the bank, before the transaction."""
    if kind == MoneyActKind.MARK_PAID:
        payments.close_pending(find_debt(number))


def _carry_out(act: MoneyAct) -> None:
    """Call the operation of an act, in the caller's transaction, and keep what it made."""
    act.result = _OPERATIONS[MoneyActKind(act.kind)](act)[:32]
    MoneyAct.update(result=act.result).where(MoneyAct.id == act.id).execute()


def _mark_paid(act: MoneyAct) -> str:
    given = act.details
    payments.apply_manual_payment(
        find_debt(act.number), act.asked_by, day=date.fromisoformat(given["day"]),
        reference=given["reference"], cents=given["cents"],
    )  # fmt: skip
    if "bank_line" in given:
        _mark_recorded(act, given["bank_line"])
    return act.number


def _mark_recorded(act: MoneyAct, number: int) -> None:
    """Say of a line of a bank statement what it was recorded for: once."""
    line: BankLine = lock(BankLine(id=number))
    recorded = line.is_open and transitions.move(
        line, BankLineStatus.RECORDED, by=act.asked_by, note=act.number, number=act.number,
        payer="", text="",
    )  # fmt: skip
    if not recorded:
        raise Conflict(N_("This line was recorded or ignored before."))


def _credit(act: MoneyAct) -> str:
    invoice = _invoice(act.number)
    positions = _positions(lock(invoice), act.details)
    totals = credit_notes.totals_of(invoice, positions, by_amount=True)
    if totals.total_cents != act.cents:
        raise Conflict(N_("What is left of this invoice has changed: begin again."))
    note = credit_notes.credit(invoice, positions, act.reason, by=act.asked_by, by_amount=True)
    return str(note.number)


def _goodwill(act: MoneyAct) -> str:
    made = account_credits.grant_goodwill(act.account, act.cents, act.reason, by=act.asked_by)
    return str(made.id)


def _refund(act: MoneyAct) -> str:
    order = payables.for_debt(find_debt(act.number)).order
    if order is None:
        raise Refusal(N_("This is not an order."))
    orders.refund_order(order, act.asked_by)
    return act.number


def _retry_refund(act: MoneyAct) -> str:
    refundable = _unchanged(act, _cents_asked)
    refunds.ask_again(refundable, by=act.asked_by)
    return act.number


def _mark_refunded(act: MoneyAct) -> str:
    refundable = _unchanged(act, _cents_transferred)
    day, reference = date.fromisoformat(act.details["day"]), act.details["reference"]
    manual_refunds.record_transfer(refundable, by=act.asked_by, day=day, reference=reference)
    return act.number


def _unchanged(
    act: MoneyAct, cents: Callable[[refundables.Refundable], int]
) -> refundables.Refundable:
    """Return what an act gives back, locked.

    Raise `Conflict` where it is not the amount that was asked for and is confirmed: another part
    has failed at the bank meanwhile, or was given back.
    """
    refundable = refundables.refund_due_of(find_debt(act.number)).locked()
    if cents(refundable) != act.cents:
        raise Conflict(N_("What is to be given back has changed: begin again."))
    return refundable


def _pay_out(act: MoneyAct) -> str:
    held = account_credits.find_credit(act.account, act.details["credit"])
    if held is None:
        raise Refusal(account_credits.NOT_LEFT)
    account_credits.pay_out(held, act.cents, by=act.asked_by)
    return str(held.id)


_OPERATIONS: dict[MoneyActKind, Callable[[MoneyAct], str]] = {
    MoneyActKind.MARK_PAID: _mark_paid,
    MoneyActKind.CREDIT: _credit,
    MoneyActKind.GOODWILL: _goodwill,
    MoneyActKind.REFUND: _refund,
    MoneyActKind.RETRY_REFUND: _retry_refund,
    MoneyActKind.MARK_REFUNDED: _mark_refunded,
    MoneyActKind.PAY_OUT: _pay_out,
}


def _positions(invoice: Invoice, details: dict[str, Any]) -> tuple[Position, ...]:
    """Return what a credit note takes back of an invoice."""
    left = credit_notes.remaining_of(invoice)
    if details["percent"] is not None:
        return credit_notes.share_of(left, details["percent"])
    if details["net_cents"] is not None:
        return credit_notes.amounts_of(left, details["net_cents"])
    return credit_notes.share_of(left, 100)


# --- Reading -------------------------------------------------------------------------------------


def find_debt(number: str) -> payables.Debt:
    """Return the order, invoice or credit note with a number. Raise `Refusal` if there is none."""
    debt: payables.Debt | None = Invoice.get_or_none(Invoice.number == number)
    debt = debt or Order.get_or_none(Order.number == number)
    if debt is None:
        raise Refusal(N_("There is no order, invoice or credit note with this number."), "number")
    return debt


def _invoice(number: str) -> Invoice:
    invoice = payables.for_debt(find_debt(number)).invoice
    if invoice is None:
        raise Refusal(NOT_AN_INVOICE, "number")
    return invoice


def find_by_key(key: str) -> MoneyAct | None:
    """Return the act of a form, if it was sent before."""
    return MoneyAct.get_or_none(MoneyAct.key == key)


def find_act(number: int) -> MoneyAct | None:
    """Return an act by its number."""
    return MoneyAct.get_or_none(MoneyAct.id == number)


def waiting(after: int = 0) -> ModelSelect[MoneyAct]:
    """Return the query for the acts that a second member of staff has to confirm, oldest first,
    from the one after a number on."""
    return (
        MoneyAct.select(MoneyAct, Account)
        .join(Account)
        .where(MoneyAct.status == MoneyActStatus.WAITING, MoneyAct.id > after)
        .order_by(MoneyAct.id)
    )


def acts_of(account: Account) -> ModelSelect[MoneyAct]:
    """Return the query for the acts on a customer's money, newest first."""
    return MoneyAct.select().where(MoneyAct.account == account).order_by(MoneyAct.id.desc())
