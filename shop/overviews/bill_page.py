"""One bill as its page shows it: the state of its payment, and the services it is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from peewee import fn

from records.disputes import Dispute
from records.groups import Addition, LicenceGroup
from records.invoices import Invoice, InvoiceStatus
from records.orders import OrderLine
from records.payments import Payment, PaymentStatus
from records.refunds import Refund
from records.subscriptions import Reminder, Subscription
from shop.invoicing import receivables
from shop.overviews import bills
from shop.overviews.states import Owed
from shop.payments import disputes, refund_lists
from shop.payments.attempts import decline_message, is_checkout_open
from shop.payments.refundables import RefundableNote
from shop.sql.few import one_of_few


@dataclass(frozen=True)
class PaymentState:
    """The state of an invoice's payment, for its page.

    ``status_word`` is its status (`bills.status_word`), ``replacement`` the invoice issued in its
    place. ``refund`` is the last attempt to give back a credit note's money, or a payment that was
    not due, as long as that is not done; ``dispute`` and ``bank_refunds`` are what the bank did on
    its own.
    """

    status_word: str
    replacement: Invoice | None
    is_confirming: bool
    payment_open: bool
    last_refusal: str
    credit_notes: list[Invoice]
    refund: Refund | None
    dispute: Dispute | None
    bank_refunds: list[Refund]

    @property
    def refreshes(self) -> bool:
        """Whether the state may change without an action of the customer."""
        return self.is_confirming or self.payment_open


def payment_state(invoice: Invoice) -> PaymentState:
    """Return the state of the payment of ``invoice`` (four queries at most)."""
    of_it = Payment.invoice.in_([invoice.id, invoice.replaces_id or 0])
    if invoice.order_id is not None and not invoice.is_credit_note:
        of_it |= Payment.order == invoice.order_id
    paying = list(Payment.select().where(of_it).order_by(Payment.id))
    attempts = [row for row in paying if row.invoice_id == invoice.id]
    about_it = (Invoice.corrects == invoice) | (Invoice.replaces == invoice)
    about_it |= Invoice.id == (invoice.replaces_id or 0)
    later = list(Invoice.select().where(about_it).order_by(Invoice.id))
    for row in later:
        if row.id == invoice.replaces_id:
            invoice.replaces = row
    newer = None
    if invoice.status == InvoiceStatus.REFUNDED:
        newer = next((row for row in later if row.replaces_id == invoice.id), None)
    refunded = refund_lists.OfPayments.read(paying)
    payable, dispute = invoice.is_payable, disputes.latest_of(paying)
    is_taken_back = any(disputes.is_lost_by(row, dispute) for row in paying)
    return PaymentState(
        status_word=bills.status_word(invoice, is_taken_back=is_taken_back)
        if newer is None
        else bills.REPLACED,
        replacement=newer,
        is_confirming=payable and any(_is_being_confirmed(row) for row in attempts),
        payment_open=payable and any(map(is_checkout_open, attempts)),
        last_refusal=decline_message(attempts) if payable else "",
        credit_notes=[row for row in later if row.corrects_id == invoice.id],
        refund=_refund_due(invoice, attempts, refunded),
        dispute=dispute,
        bank_refunds=refunded.by_bank,
    )


def suspended_for(
    invoice: Invoice, services: list[LicenceGroup], owed: list[Owed]
) -> Subscription | None:
    """Return the suspended subscription that an unpaid invoice is for, if any.

    ``services`` is what `services_of` returns, ``owed`` what `states.owed_by` does.
    """
    if not invoice.is_payable or invoice.group_id is None:
        return None
    of_it = {group.id for group in services}
    found = (each.subscription for each in owed if each.group.id in of_it)
    return next((each for each in found if each.is_suspended), None)


def services_of(invoice: Invoice) -> list[LicenceGroup]:
    """Return the groups that an invoice is for, and whether it was what they were suspended for.

    One query.
    """
    suspended_for_it = Reminder.select().where(
        Reminder.invoice == invoice.id, Reminder.stage == len(receivables.WAITS)
    )
    groups = LicenceGroup.select(
        LicenceGroup, fn.EXISTS(suspended_for_it).alias("was_suspended")
    ).order_by(LicenceGroup.id)
    if invoice.group_id is not None:
        return list(groups.where(LicenceGroup.id == invoice.group_id))
    lines = OrderLine.select(OrderLine.id).where(OrderLine.order == invoice.order_id)
    added = Addition.select(Addition.group).where(Addition.line.in_(lines))
    delivered = LicenceGroup.alias()
    of_lines = delivered.select(delivered.id).where(delivered.line.in_(lines))
    return list(groups.where(one_of_few(LicenceGroup.id, of_lines.union(added))))


def runs_again(invoice: Invoice, services: list[Any]) -> bool:
    """Return whether the service runs that was suspended because this invoice was not paid.

    ``services`` is what `services_of` returns.
    """
    is_paid = invoice.paid_at is not None and not invoice.is_credit_note
    return is_paid and any(each.was_suspended and each.is_open for each in services)


def _refund_due(
    invoice: Invoice, attempts: list[Payment], refunded: refund_lists.OfPayments
) -> Refund | None:
    due = [row for row in attempts if row.status == PaymentStatus.REFUND_DUE]
    if invoice.is_refund_due:
        return RefundableNote(invoice).latest()
    return refunded.latest(due[-1]) if due else None


def _is_being_confirmed(payment: Payment) -> bool:
    """Whether the bank, or the worker that charges a card, is processing the payment."""
    by_worker = payment.status == PaymentStatus.OPEN and payment.card_id is not None
    return by_worker or payment.status == PaymentStatus.PROCESSING
