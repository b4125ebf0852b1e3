"""Payments that their banks took back: what they paid of an invoice is owed again."""

from __future__ import annotations

from records.base import lock
from records.disputes import Dispute, DisputeStatus
from records.invoices import Invoice, InvoiceKind, InvoiceStatus
from records.payments import Payment, PaymentStatus
from records.subscriptions import SubscriptionStatus
from shop import mail, transitions
from shop.invoicing import invoices, lost_parts, receivables
from shop.payments import mandates, taken_back


def invoice_of(payment: Payment) -> Invoice | None:
    """Return the invoice that a payment is for, locked; None if its order is not invoiced yet."""
    if payment.invoice is not None:
        found: Invoice | None = payment.invoice
    else:
        found = Invoice.get_or_none(
            Invoice.order == payment.order_id, Invoice.kind == InvoiceKind.INVOICE,
            Invoice.replaces.is_null(),
        )  # fmt: skip
    return lock(invoices.latest_in_place_of(found)) if found is not None else None


def lose(payment: Payment, invoice: Invoice | None, note: str) -> int:
    """Let a payment pay nothing any more; what it paid of its invoice is owed again.

    Runs in the caller's transaction, which has locked both. Return the cents that are owed again.
    """
    was_kept = payment.has_succeeded
    transitions.move(payment, PaymentStatus.LOST, by="bank", note=note)
    owed = lost_parts.part_of(payment) if was_kept and invoice is not None else 0
    if invoice is None or owed <= 0 or invoice.status == InvoiceStatus.REFUNDED:
        return 0
    invoices.reopen(invoice, owed, by="bank", note=note)
    return owed


def lose_if_nothing_is_left(payment: Payment) -> bool:
    """Count a payment as lost whose bank took a part back, once the rest is given back."""
    payment = lock(payment)
    may_be_lost = taken_back.has_lost_part(payment) and payment.may_become(PaymentStatus.LOST)
    if not may_be_lost or not taken_back.is_gone(payment):
        return False
    invoice = invoice_of(payment)
    owed = lose(payment, invoice, "nothing is left")
    if owed:
        lost = (Dispute.payment == payment) & (Dispute.status == DisputeStatus.LOST)
        tell(Dispute.select().where(lost).order_by(Dispute.id.desc()).get(), invoice, owed)
    return True


def tell(dispute: Dispute, invoice: Invoice | None, owed_cents: int) -> None:
    """Tell of a loss; for a renewal that is reminded of from now on, by when it is to be paid.

    ``owed_cents`` are owed again of what the payment paid.
    """
    taken_back_at = receivables.taken_back_at(invoice) if invoice is not None else None
    subscription = receivables.subscription_of(invoice) if invoice is not None else None
    if not owed_cents or taken_back_at is None or subscription is None:
        mail.dispute_lost(dispute, invoice, owed_cents)
        return
    is_running = subscription.status == SubscriptionStatus.PAST_DUE
    mail.dispute_lost(
        dispute, invoice, owed_cents, card=mandates.card_of(subscription),
        pay_before=receivables.suspended_on(taken_back_at) if is_running else None,
        charged_on=taken_back_at + receivables.WAITS[0],
    )  # fmt: skip
