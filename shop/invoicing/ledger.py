"""The ledger: each change of a customer's balance is posted once, in the transaction that makes it.

The balance is the sum of the customer's entries: charged and refunded amounts are positive, paid
and credited ones negative. Money received before its invoice (an order paid and not yet delivered)
is a deposit.
"""

from __future__ import annotations

from records.account_credits import AccountCredit, CreditKind
from records.disputes import Dispute
from records.invoices import Invoice
from records.ledger import EntryKind, LedgerEntry
from records.orders import Order
from records.payments import Payment
from records.refunds import Refund
from shop import clock


def post_invoice(invoice: Invoice) -> None:
    """Post an invoice that was issued."""
    _post(EntryKind.CHARGED, invoice.account_id, invoice.total_cents, invoice=invoice)


def post_credit_note(credit_note: Invoice) -> None:
    """Post a credit note that was issued."""
    _post(EntryKind.CREDITED, credit_note.account_id, -credit_note.total_cents, invoice=credit_note)


def post_payment(payment: Payment, invoice: Invoice | None = None) -> None:
    """Post the money of a payment received by the bank or the operator.

    The amount is what was taken, even if another amount was due. ``invoice`` is what it pays; None
    if that is issued later, or the money is refunded.
    """
    _post(
        EntryKind.PAID, _account_id(payment), -payment.refund_cents,
        payment=payment, invoice=invoice,
    )  # fmt: skip


def _account_id(payment: Payment) -> int:
    debt: Invoice | Order = payment.invoice or payment.order  # type: ignore[assignment]
    return debt.account_id


def post_refund(refund: Refund) -> None:
    """Post a refund that succeeded: for a credit note, or of a whole payment that paid nothing."""
    _post_refund(EntryKind.REFUNDED, refund, refund.cents)


def post_returned_refund(refund: Refund) -> None:
    """Post that the money of a refund that had succeeded is back."""
    _post_refund(EntryKind.RETURNED, refund, -refund.cents)


def _post_refund(kind: EntryKind, refund: Refund, cents: int) -> None:
    payment, note = refund.payment, refund.credit_note
    _post(kind, _account_id(payment), cents, payment=payment, invoice=note, refund=refund)


def post_dispute(dispute: Dispute, cents: int) -> None:
    """Post what the bank has withdrawn for a dispute; a negative amount was given back."""
    kind = EntryKind.WITHDRAWN if cents > 0 else EntryKind.REINSTATED
    _post(kind, _account_id(dispute.payment), cents, payment=dispute.payment, dispute=dispute)


def post_credit(credit: AccountCredit) -> None:
    """Post an amount that was put on a customer's balance."""
    is_goodwill = credit.kind == CreditKind.GOODWILL
    kind = EntryKind.GOODWILL if is_goodwill else EntryKind.RECEIVED
    _post(kind, credit.account_id, -credit.cents, credit=credit)


def post_paid_out(credit: AccountCredit, cents: int) -> None:
    """Post that a part of a transfer was given back to the customer."""
    _post(EntryKind.PAID_OUT, credit.account_id, cents, credit=credit)


def explain_refund(refund: Refund) -> None:
    """Say of a refund that was posted for which credit note it was."""
    LedgerEntry.update(invoice=refund.credit_note).where(LedgerEntry.refund == refund).execute()


def _post(
    kind: EntryKind,
    account_id: int,
    cents: int,
    *,
    invoice: Invoice | None = None,
    payment: Payment | None = None,
    refund: Refund | None = None,
    dispute: Dispute | None = None,
    credit: AccountCredit | None = None,
) -> None:
    LedgerEntry.create(
        account=account_id, kind=kind, invoice=invoice, payment=payment, refund=refund,
        dispute=dispute, credit=credit, cents=cents, at=clock.now(),
    )  # fmt: skip
