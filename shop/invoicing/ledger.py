"""The ledger: whatever changed what a customer owes stands here once, in its transaction.

What a customer owes is the sum of their entries: charged and refunded add to it, paid and credited
take off. Money that came before its invoice (an order paid and not yet delivered) is a deposit.
"""

from __future__ import annotations

from collections.abc import Iterator

from records.base import database
from records.invoices import Invoice
from records.ledger import EntryKind, LedgerEntry
from records.orders import Order
from records.payments import Payment
from shop import clock


def charge(invoice: Invoice) -> None:
    """An invoice was issued."""
    _enter(EntryKind.CHARGED, invoice.account_id, invoice.total_cents, invoice=invoice)


def credit(credit_note: Invoice) -> None:
    """A credit note was issued."""
    _enter(
        EntryKind.CREDITED, credit_note.account_id, -credit_note.total_cents, invoice=credit_note
    )


def pay(payment: Payment, invoice: Invoice | None = None) -> None:
    """The bank, or the operator, has the money of a payment (what was taken, whatever was due).

    ``invoice`` is what it pays; none where that comes later, or the money goes back.
    """
    _enter(
        EntryKind.PAID, _account_id(payment), -payment.refund_cents,
        payment=payment, invoice=invoice,
    )  # fmt: skip


def _account_id(payment: Payment) -> int:
    debt: Invoice | Order = payment.invoice or payment.order  # type: ignore[assignment]
    return debt.account_id


def refund(payment: Payment, cents: int, credit_note: Invoice | None = None) -> None:
    """Money of a payment went back: for a credit note, or all of it because it was for nothing."""
    _enter(EntryKind.REFUNDED, _account_id(payment), cents, payment=payment, invoice=credit_note)


def _enter(
    kind: EntryKind,
    account_id: int,
    cents: int,
    *,
    invoice: Invoice | None = None,
    payment: Payment | None = None,
) -> None:
    LedgerEntry.create(
        account=account_id, kind=kind, invoice=invoice, payment=payment, cents=cents,
        at=clock.now(),
    )  # fmt: skip


# --- The proof -------------------------------------------------------------------------------

_WRONG = {
    "the lines of invoice {} do not add up to its amount": (
        "SELECT i.number FROM invoice i WHERE i.net_cents <> "
        "(SELECT coalesce(sum(l.net_cents), 0) FROM invoice_line l WHERE l.invoice_id = i.id)"
    ),
    "invoice {} was not charged, or not with its amount": (
        "SELECT i.number FROM invoice i LEFT JOIN ledger_entry e ON e.invoice_id = i.id "
        "AND e.kind = 'charged' "
        "WHERE i.kind = 'invoice' AND coalesce(e.cents, -1) <> i.total_cents"
    ),
    "credit note {} was not credited, or not with its amount": (
        "SELECT i.number FROM invoice i LEFT JOIN ledger_entry e ON e.invoice_id = i.id "
        "AND e.kind = 'credited' "
        "WHERE i.kind = 'credit_note' AND coalesce(e.cents, 1) <> -i.total_cents"
    ),
    "what was credited of invoice {} is not what its credit notes say": (
        "SELECT i.number FROM invoice i WHERE i.credited_cents <> "
        "(SELECT coalesce(sum(c.total_cents), 0) FROM invoice c WHERE c.corrects_id = i.id)"
    ),
    "invoice {} is paid without money": (
        "SELECT i.number FROM invoice i WHERE i.kind = 'invoice' AND i.status = 'paid' "
        "AND i.total_cents > i.credited_cents AND NOT EXISTS (SELECT 1 FROM payment p "
        "WHERE p.status IN ('succeeded', 'refund_due', 'refunded') "
        "AND (p.invoice_id = i.id OR p.order_id = i.order_id))"
    ),
    "invoice {} is open though it was paid": (
        "SELECT i.number FROM invoice i JOIN payment p ON p.invoice_id = i.id "
        "WHERE p.status = 'succeeded' AND i.status IN ('due', 'unpaid')"
    ),
    "the money of payment {} is not in the ledger, or not with its amount": (
        "SELECT p.id FROM payment p LEFT JOIN ledger_entry e ON e.payment_id = p.id "
        "AND e.kind = 'paid' WHERE p.status IN ('succeeded', 'refund_due', 'refunded') "
        "AND coalesce(p.taken_cents, p.amount_cents) <> -coalesce(e.cents, 1)"
    ),
    "payment {} stands in the ledger without its money": (
        "SELECT p.id FROM payment p JOIN ledger_entry e ON e.payment_id = p.id "
        "WHERE p.status NOT IN ('succeeded', 'refund_due', 'refunded')"
    ),
    "the refund of payment {} is not in the ledger, or not with its amount": (
        "SELECT p.id FROM payment p WHERE p.status = 'refunded' "
        "AND coalesce(p.taken_cents, p.amount_cents) <> (SELECT coalesce(sum(e.cents), 0) "
        "FROM ledger_entry e WHERE e.payment_id = p.id AND e.kind = 'refunded')"
    ),
    "more went back of payment {} than came": (
        "SELECT p.id FROM payment p WHERE (SELECT coalesce(sum(e.cents), 0) FROM ledger_entry e "
        "WHERE e.payment_id = p.id) > 0"
    ),
    "the delivered order {} has no invoice": (
        "SELECT o.number FROM purchase_order o WHERE o.status = 'delivered' AND o.total_cents > 0 "
        "AND NOT EXISTS (SELECT 1 FROM invoice i WHERE i.order_id = o.id AND i.kind = 'invoice') "
        "AND NOT EXISTS (SELECT 1 FROM job j WHERE j.status IN ('queued', 'running') "
        "AND j.key = 'invoice_order:' || o.id)"
    ),
    "numbers are missing or too many in the series {}": (
        "SELECT s.name FROM invoice_series s WHERE s.last <> "
        "(SELECT count(*) FROM invoice i "
        "WHERE substr(i.number, 1, length(s.name) + 1) = s.name || '-')"
    ),
    "the balance of customer {} is not what is open": (
        "SELECT a.nic_handle FROM account a JOIN ("
        "SELECT account_id, sum(cents) AS cents FROM ("
        "SELECT account_id, cents FROM ledger_entry UNION ALL "
        "SELECT account_id, -(total_cents - credited_cents) FROM invoice "
        "WHERE kind = 'invoice' AND status IN ('due', 'unpaid') UNION ALL "
        "SELECT account_id, total_cents FROM invoice "
        "WHERE kind = 'credit_note' AND status = 'due' UNION ALL "
        "SELECT o.account_id, coalesce(p.taken_cents, p.amount_cents) FROM payment p "
        "JOIN purchase_order o ON o.id = p.order_id WHERE p.status IN ('succeeded', 'refund_due') "
        "AND NOT EXISTS (SELECT 1 FROM invoice i WHERE i.order_id = o.id AND i.kind = 'invoice' "
        "AND p.status = 'succeeded') UNION ALL "
        "SELECT i.account_id, coalesce(p.taken_cents, p.amount_cents) FROM payment p "
        "JOIN invoice i ON i.id = p.invoice_id WHERE p.status = 'refund_due'"
        ") AS moved GROUP BY account_id) AS balance ON balance.account_id = a.id "
        "WHERE balance.cents <> 0"
    ),
}
"""What must not be, and the question that finds it: numbers or names of what is wrong."""


def check() -> Iterator[str]:
    """Prove that everything charged, paid, credited and refunded balances; name what does not."""
    for sentence, query in _WRONG.items():
        for (name,) in database.execute_sql(query + " ORDER BY 1").fetchall():
            yield sentence.format(name)
