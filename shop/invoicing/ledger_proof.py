"""The proof that the ledger balances: it runs the query of each fault, and names what has it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from records.base import database
from records.disputes import DisputeStatus
from records.groups import AdditionStatus, GroupStatus
from records.invoices import PAYABLE, InvoiceKind, InvoiceStatus
from records.jobs import CARRY_OUT_WITHDRAWAL, JobStatus
from records.ledger import EntryKind
from records.orders import UNDELIVERED, OrderStatus
from records.payments import PaymentStatus
from records.payouts import LineKind, PayoutStatus
from records.refunds import RefundOrigin, RefundStatus
from records.subscriptions import CARD_ALLOWED, CARD_WITHDRAWN, SubscriptionStatus
from records.terminations import TerminationCause, TerminationStatus
from records.vat import VatAnswer
from shop import clock
from shop.invoicing import invoice_faults, order_faults, order_invoices, payment_faults
from shop.jobs import kinds
from shop.pricing import money


def _sql_list(*states: StrEnum) -> str:
    return ", ".join(f"'{state}'" for state in states)


_STATES = {
    "AdditionStatus": AdditionStatus,
    "DisputeStatus": DisputeStatus,
    "EntryKind": EntryKind,
    "GroupStatus": GroupStatus,
    "InvoiceKind": InvoiceKind,
    "InvoiceStatus": InvoiceStatus,
    "OrderStatus": OrderStatus,
    "LineKind": LineKind,
    "PaymentStatus": PaymentStatus,
    "PayoutStatus": PayoutStatus,
    "RefundOrigin": RefundOrigin,
    "RefundStatus": RefundStatus,
    "SubscriptionStatus": SubscriptionStatus,
    "TerminationCause": TerminationCause,
    "TerminationStatus": TerminationStatus,
    "VatAnswer": VatAnswer,
    "kinds": kinds,
    "invoice_order": order_invoices.invoice_order,
    "CARRY_OUT_WITHDRAWAL": CARRY_OUT_WITHDRAWAL,
    "CARD_ALLOWED": CARD_ALLOWED,
    "CARD_WITHDRAWN": CARD_WITHDRAWN,
    "LEAST": money.LEAST_CENTS,
    "MOST": money.MOST_PAYABLE_CENTS,
    "OWED": _sql_list(*PAYABLE),
    "LEAVING": _sql_list(TerminationStatus.SCHEDULED, TerminationStatus.ENDING),
    "UNDELIVERED": _sql_list(*UNDELIVERED),
    "HELD": _sql_list(PaymentStatus.SUCCEEDED, PaymentStatus.REFUND_DUE),
    "TAKEN": _sql_list(PaymentStatus.SUCCEEDED, PaymentStatus.REFUND_DUE, PaymentStatus.REFUNDED),
    "RECEIVED": _sql_list(
        PaymentStatus.SUCCEEDED,
        PaymentStatus.REFUND_DUE,
        PaymentStatus.REFUNDED,
        PaymentStatus.LOST,
    ),
    "WAITING": _sql_list(JobStatus.QUEUED, JobStatus.RUNNING),
}
"""The values of the braces in the queries: a query that names an unknown state fails."""

FAULTS = {**invoice_faults.FAULTS, **payment_faults.FAULTS, **order_faults.FAULTS}
"""Each inconsistency, and its query: all that the proof looks for."""


def find_faults() -> Iterator[str]:
    """Check that all that was charged, paid, credited and refunded balances; yield each fault."""
    values = {**_STATES, "TODAY": clock.today().isoformat()}
    for sentence, query in FAULTS.items():
        ordered = query.format_map(values) + " ORDER BY 1"
        for (name,) in database.execute_sql(ordered).fetchall():
            yield sentence.format(name)
