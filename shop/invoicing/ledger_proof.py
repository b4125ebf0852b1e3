"""The proof that the ledger balances: each rule is a sentence, and the query of its faults."""

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
from shop.invoicing import order_invoices
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
"""The values of the braces in the queries below: a query that names an unknown state fails."""

FAULTS = {
    "the lines of invoice {} do not add up to its amount": (
        "SELECT i.number FROM invoice i WHERE i.net_cents <> "
        "(SELECT coalesce(sum(l.net_cents), 0) FROM invoice_line l WHERE l.invoice_id = i.id)"
    ),
    "invoice {} was not charged, or not with its amount": (
        "SELECT i.number FROM invoice i LEFT JOIN ledger_entry e ON e.invoice_id = i.id "
        "AND e.kind = '{EntryKind.CHARGED}' "
        "WHERE i.kind = '{InvoiceKind.INVOICE}' AND coalesce(e.cents, -1) <> i.total_cents"
    ),
    "credit note {} was not credited, or not with its amount": (
        "SELECT i.number FROM invoice i LEFT JOIN ledger_entry e ON e.invoice_id = i.id "
        "AND e.kind = '{EntryKind.CREDITED}' "
        "WHERE i.kind = '{InvoiceKind.CREDIT_NOTE}' AND coalesce(e.cents, 1) <> -i.total_cents"
    ),
    "the credited amount of invoice {} differs from its credit notes": (
        "SELECT i.number FROM invoice i WHERE i.credited_cents <> "
        "(SELECT coalesce(sum(c.total_cents), 0) FROM invoice c WHERE c.corrects_id = i.id)"
    ),
    "invoice {} is paid without a payment": (
        "SELECT i.number FROM invoice i WHERE i.kind = '{InvoiceKind.INVOICE}' "
        "AND i.status = '{InvoiceStatus.PAID}' "
        "AND i.total_cents - i.credited_cents > i.offset_cents "
        "AND NOT EXISTS (SELECT 1 FROM payment p "
        "WHERE p.status IN ({TAKEN}) "
        "AND (p.invoice_id = i.id OR p.order_id = i.order_id))"
    ),
    "invoice {} is open though it was paid": (
        "SELECT i.number FROM invoice i JOIN payment p ON p.invoice_id = i.id "
        "WHERE p.status = '{PaymentStatus.SUCCEEDED}' AND NOT p.pays_part "
        "AND i.status IN ({OWED})"
    ),
    "the money of payment {} is not in the ledger, or not with its amount": (
        "SELECT p.id FROM payment p LEFT JOIN ledger_entry e ON e.payment_id = p.id "
        "AND e.kind = '{EntryKind.PAID}' WHERE p.status IN ({RECEIVED}) "
        "AND coalesce(p.taken_cents, p.amount_cents) <> -coalesce(e.cents, 1)"
    ),
    "payment {} is in the ledger but was not received": (
        "SELECT p.id FROM payment p JOIN ledger_entry e ON e.payment_id = p.id "
        "WHERE p.status NOT IN ({RECEIVED})"
    ),
    "the refund of payment {} is not in the ledger, or not with its amount": (
        "SELECT p.id FROM payment p WHERE p.status = '{PaymentStatus.REFUNDED}' "
        "AND (SELECT coalesce(sum(e.cents), 0) FROM ledger_entry e WHERE e.payment_id = p.id) < 0"
    ),
    "refund {} is in the ledger with another amount than it has": (
        "SELECT f.id FROM refund f WHERE (SELECT coalesce(sum(e.cents), 0) FROM ledger_entry e "
        "WHERE e.refund_id = f.id) <> CASE WHEN f.status = '{RefundStatus.SUCCEEDED}' "
        "THEN f.cents ELSE 0 END"
    ),
    "credit note {} counts as refunded, and no refund of it succeeded": (
        "SELECT i.number FROM invoice i WHERE i.kind = '{InvoiceKind.CREDIT_NOTE}' "
        "AND i.status = '{InvoiceStatus.REFUNDED}' AND i.paid_at IS NOT NULL "
        "AND i.total_cents - i.offset_cents - (SELECT coalesce(sum(e.cents), 0) "
        "FROM ledger_entry e WHERE e.invoice_id = i.id "
        "AND e.kind IN ('{EntryKind.REFUNDED}', '{EntryKind.RETURNED}')) "
        # What the bank took back of a payment is not given back again.
        "NOT IN (0, (SELECT coalesce(sum(d.withdrawn_cents), 0) FROM dispute d "
        "WHERE d.payment_id IN (SELECT f.payment_id FROM refund f WHERE f.credit_note_id = i.id)))"
    ),
    "the money of credit note {} is to be refunded, and nobody was asked to": (
        "SELECT i.number FROM invoice i WHERE i.kind = '{InvoiceKind.CREDIT_NOTE}' "
        "AND i.status = '{InvoiceStatus.DUE}' "
        "AND NOT EXISTS (SELECT 1 FROM refund f WHERE f.credit_note_id = i.id) "
        "AND NOT EXISTS (SELECT 1 FROM job j WHERE j.status IN ({WAITING}) "
        "AND j.key = '{kinds.refund_credit_note.kind}:' || i.id)"
    ),
    "the money of payment {} is to be refunded, and nobody was asked to": (
        "SELECT p.id FROM payment p LEFT JOIN (SELECT payment_id, sum(cents) AS cents, "
        "sum(CASE WHEN status = '{RefundStatus.SUCCEEDED}' THEN 0 ELSE 1 END) AS waiting "
        "FROM refund WHERE credit_note_id IS NULL AND origin = '{RefundOrigin.SHOP}' "
        "GROUP BY payment_id) AS f ON f.payment_id = p.id "
        "WHERE (p.status = '{PaymentStatus.REFUND_DUE}' AND coalesce(f.waiting, 0) = 0 "
        # What the bank took back is given back by that.
        "OR p.status = '{PaymentStatus.SUCCEEDED}' AND p.uncharged_cents > coalesce(f.cents, 0) + "
        "(SELECT coalesce(sum(d.withdrawn_cents - d.absorbed_cents), 0) FROM dispute d "
        "WHERE d.payment_id = p.id AND d.status = '{DisputeStatus.LOST}')) "
        "AND NOT EXISTS (SELECT 1 FROM job j WHERE j.status IN ({WAITING}) "
        "AND j.key = '{kinds.refund_payment.kind}:' || p.id)"
    ),
    "refund {} failed, and the money was neither asked for again nor transferred": (
        "SELECT f.id FROM refund f WHERE f.status = '{RefundStatus.FAILED}' "
        "AND f.origin = '{RefundOrigin.SHOP}' AND NOT EXISTS (SELECT 1 FROM payment p "
        "WHERE p.id = f.payment_id AND (p.status = '{PaymentStatus.LOST}' "
        "OR f.credit_note_id IS NULL AND p.status = '{PaymentStatus.SUCCEEDED}' "
        "AND p.uncharged_cents <= (SELECT coalesce(sum(d.withdrawn_cents - d.absorbed_cents), 0) "
        "FROM dispute d WHERE d.payment_id = p.id AND d.status = '{DisputeStatus.LOST}'))) "
        "AND NOT EXISTS (SELECT 1 FROM refund g WHERE g.payment_id = f.payment_id AND g.id > f.id "
        "AND coalesce(g.credit_note_id, 0) = coalesce(f.credit_note_id, 0) "
        "AND (g.credit_note_id IS NULL OR g.status = '{RefundStatus.FAILED}')) "
        # Another payment may give back what failed of a credit note.
        "AND (f.credit_note_id IS NULL OR EXISTS (SELECT 1 FROM invoice i "
        "LEFT JOIN refund g ON g.credit_note_id = i.id AND g.status <> '{RefundStatus.FAILED}' "
        "WHERE i.id = f.credit_note_id "
        "GROUP BY i.id, i.status, i.total_cents, i.offset_cents "
        "HAVING i.total_cents - i.offset_cents > coalesce(sum(g.cents), 0) "
        "AND (i.status = '{InvoiceStatus.DUE}' OR count(g.id) = 0)))"
    ),
    "more is given back for credit note {} than it says": (
        "SELECT i.number FROM invoice i JOIN refund f ON f.credit_note_id = i.id "
        "AND f.status <> '{RefundStatus.FAILED}' "
        "GROUP BY i.id, i.number, i.total_cents, i.offset_cents "
        "HAVING sum(f.cents) > i.total_cents - i.offset_cents"
    ),
    "more of payment {} was refunded than received": (
        "SELECT p.id FROM payment p WHERE (SELECT coalesce(sum(e.cents), 0) FROM ledger_entry e "
        "WHERE e.payment_id = p.id) > 0"
    ),
    "the bank made the refund {} on its own, and nobody explained it": (
        "SELECT f.reference FROM refund f WHERE f.origin = '{RefundOrigin.BANK}' AND "
        "f.explanation = '' "
        "AND f.credit_note_id IS NULL AND f.status <> '{RefundStatus.FAILED}'"
    ),
    "dispute {} is in the ledger with another amount than was withdrawn for it": (
        "SELECT d.reference FROM dispute d WHERE d.withdrawn_cents <> "
        "(SELECT coalesce(sum(e.cents), 0) FROM ledger_entry e WHERE e.dispute_id = d.id)"
    ),
    "credit notes absorbed more of dispute {} than the bank took back": (
        "SELECT d.reference FROM dispute d WHERE d.absorbed_cents > d.withdrawn_cents"
    ),
    "the credit notes of customer {} absorbed another amount than disputes say": (
        "SELECT a.nic_handle FROM account a JOIN ("
        "SELECT account_id, absorbed_cents FROM invoice WHERE absorbed_cents <> 0 UNION ALL "
        "SELECT coalesce(o.account_id, i.account_id), -d.absorbed_cents FROM dispute d "
        "JOIN payment p ON p.id = d.payment_id LEFT JOIN purchase_order o ON o.id = p.order_id "
        "LEFT JOIN invoice i ON i.id = p.invoice_id WHERE d.absorbed_cents <> 0"
        ") AS absorbed ON absorbed.account_id = a.id "
        "GROUP BY a.id, a.nic_handle HAVING sum(absorbed.absorbed_cents) <> 0"
    ),
    "the bank took the payment of invoice {} back for good, and it still counts as paid": (
        "SELECT i.number FROM invoice i JOIN payment p "
        "ON (p.invoice_id IN (i.id, i.replaces_id) OR p.order_id = i.order_id) "
        "WHERE i.kind = '{InvoiceKind.INVOICE}' AND i.status = '{InvoiceStatus.PAID}' "
        "AND p.status = '{PaymentStatus.SUCCEEDED}' "
        "AND EXISTS (SELECT 1 FROM dispute d WHERE d.payment_id = p.id "
        "AND d.status = '{DisputeStatus.LOST}') "
        "AND NOT EXISTS (SELECT 1 FROM dispute d WHERE d.payment_id = p.id "
        "AND d.status <> '{DisputeStatus.LOST}' AND d.withdrawn_cents > 0) "
        "AND NOT EXISTS (SELECT 1 FROM invoice c WHERE c.corrects_id = i.id "
        "AND c.status = '{InvoiceStatus.DUE}') "
        "AND (SELECT coalesce(sum(e.cents), 0) FROM ledger_entry e "
        "WHERE e.payment_id = p.id) >= 0"
    ),
    "the bank took the payment of renewal {} back for good, and nothing reminds of it": (
        "SELECT i.number FROM invoice i "
        "JOIN renewal r ON i.id IN (r.invoice_id, r.supplement_id) AND r.opened_at IS NOT NULL "
        "JOIN subscription s ON s.group_id = r.group_id AND s.status <> "
        "'{SubscriptionStatus.SUSPENDED}' "
        "WHERE i.status IN ({OWED}) AND EXISTS (SELECT 1 FROM payment p "
        "WHERE p.invoice_id IN (i.id, i.replaces_id) AND p.status = '{PaymentStatus.LOST}') "
        "AND NOT EXISTS (SELECT 1 FROM reminder m WHERE m.invoice_id = i.id "
        "AND m.stage >= 3 AND m.failed_at IS NOT NULL) "
        "AND NOT EXISTS (SELECT 1 FROM job j WHERE j.status IN ({WAITING}) "
        "AND j.key LIKE '{kinds.collect_invoice.kind}:' || i.id || ':%%')"
    ),
    "invoice {} counts as paid by more than the credit note of the one it replaces keeps": (
        "SELECT i.number FROM invoice i WHERE i.kind = '{InvoiceKind.INVOICE}' "
        "AND i.status <> '{InvoiceStatus.REFUNDED}' "
        "AND i.offset_cents > (SELECT coalesce(sum(c.offset_cents - c.absorbed_cents), 0) "
        "FROM invoice c "
        "WHERE c.corrects_id = i.replaces_id) "
        "+ (SELECT coalesce(sum(u.cents - u.returned_cents), 0) "
        "FROM credit_use u WHERE u.invoice_id = i.id) "
        # Where a payment was lost, the others pay a part.
        "+ (SELECT coalesce(sum(coalesce(p.taken_cents, p.amount_cents)), 0) FROM payment p "
        "LEFT JOIN purchase_order o ON o.id = p.order_id "
        "LEFT JOIN invoice w ON w.id = p.invoice_id WHERE p.pays_part "
        "AND p.status = '{PaymentStatus.SUCCEEDED}' "
        "AND coalesce(o.account_id, w.account_id) = i.account_id)"
    ),
    "invoice {} counts as paid by less of the customer's balance than it used": (
        "SELECT i.number FROM invoice i WHERE i.offset_cents < "
        "(SELECT coalesce(sum(u.cents - u.returned_cents), 0) "
        "FROM credit_use u WHERE u.invoice_id = i.id)"
    ),
    "amount {} of a customer's balance is in the ledger with another amount than it has": (
        "SELECT c.id FROM account_credit c WHERE c.cents - c.paid_out_cents <> "
        "(SELECT coalesce(-sum(e.cents), 0) FROM ledger_entry e WHERE e.credit_id = c.id)"
    ),
    "amount {} of a customer's balance was used by other invoices than it says": (
        "SELECT c.id FROM account_credit c WHERE c.used_cents <> "
        "(SELECT coalesce(sum(u.cents - u.returned_cents), 0) "
        "FROM credit_use u WHERE u.credit_id = c.id)"
    ),
    "invoice {} replaces one that still charges": (
        "SELECT i.number FROM invoice i JOIN invoice w ON w.id = i.replaces_id "
        "WHERE w.status <> '{InvoiceStatus.REFUNDED}'"
    ),
    "the period that invoice {} charges is still that of the one it replaces": (
        "SELECT i.number FROM invoice i JOIN renewal r "
        "ON i.replaces_id IN (r.invoice_id, r.supplement_id)"
    ),
    "payment {} counts as lost, and not all of it was taken back": (
        "SELECT p.id FROM payment p WHERE p.status = '{PaymentStatus.LOST}' "
        "AND (SELECT coalesce(sum(e.cents), 0) FROM ledger_entry e WHERE e.payment_id = p.id) <> 0 "
        # A refund that came back is to be made again.
        "AND NOT EXISTS (SELECT 1 FROM refund f JOIN invoice n ON n.id = f.credit_note_id "
        "WHERE f.payment_id = p.id AND f.status = '{RefundStatus.FAILED}' "
        "AND n.status = '{InvoiceStatus.DUE}')"
    ),
    "payment {} charged a card that its customer had not allowed for the service": (
        "SELECT p.id FROM payment p JOIN (SELECT invoice_id, group_id FROM renewal "
        "UNION ALL SELECT supplement_id, group_id FROM renewal WHERE supplement_id IS NOT NULL"
        ") AS r ON r.invoice_id = p.invoice_id "
        "JOIN subscription s ON s.group_id = r.group_id WHERE p.card_id IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM event a WHERE a.subject = 'subscription' "
        "AND a.subject_id = s.id AND a.name = '{CARD_ALLOWED}' "
        "AND a.note = CAST(p.card_id AS VARCHAR(16)) AND a.at <= p.created_at "
        "AND NOT EXISTS (SELECT 1 FROM event w WHERE w.subject = 'subscription' "
        "AND w.subject_id = s.id AND w.name = '{CARD_WITHDRAWN}' AND w.note = a.note "
        "AND w.id > a.id AND w.at < p.created_at))"
    ),
    "service {} is charged to a card that was removed, or is another customer's": (
        "SELECT g.name FROM subscription s JOIN licence_group g ON g.id = s.group_id "
        "JOIN card c ON c.id = s.card_id WHERE s.status <> '{SubscriptionStatus.TERMINATED}' "
        "AND (c.removed_at IS NOT NULL OR c.account_id <> s.account_id)"
    ),
    "the delivered order {} has no invoice": (
        "SELECT o.number FROM purchase_order o WHERE o.status = '{OrderStatus.DELIVERED}' "
        "AND o.total_cents > 0 AND NOT EXISTS (SELECT 1 FROM payment p "
        "WHERE p.order_id = o.id AND p.status = '{PaymentStatus.SUCCEEDED}' "
        "AND p.uncharged_cents = coalesce(p.taken_cents, p.amount_cents)) "
        "AND NOT EXISTS (SELECT 1 FROM invoice i "
        "WHERE i.order_id = o.id AND i.kind = '{InvoiceKind.INVOICE}') "
        "AND NOT EXISTS (SELECT 1 FROM job j WHERE j.status IN ({WAITING}) "
        "AND j.key = '{invoice_order.kind}:' || o.id)"
    ),
    "the payment of order {} is neither charged nor given back in full": (
        "SELECT o.number FROM payment p JOIN purchase_order o ON o.id = p.order_id "
        "JOIN invoice i ON i.order_id = o.id AND i.kind = '{InvoiceKind.INVOICE}' "
        "WHERE p.status = '{PaymentStatus.SUCCEEDED}' "
        "AND i.replaces_id IS NULL AND coalesce(p.taken_cents, p.amount_cents) NOT BETWEEN "
        "i.total_cents + p.uncharged_cents - i.credited_cents AND i.total_cents + p.uncharged_cents"
    ),
    "invoice {} charges licences for days before their delivery": (
        "SELECT i.number FROM invoice i JOIN order_line o ON o.order_id = i.order_id "
        "JOIN addition a ON a.line_id = o.id JOIN licence_group g ON g.id = a.group_id "
        "JOIN invoice_line l ON l.invoice_id = i.id AND l.service = g.name "
        "WHERE i.kind = '{InvoiceKind.INVOICE}' AND l.period_start < a.delivered_on"
    ),
    "invoice {} charges licences that were not delivered": (
        "SELECT i.number FROM invoice i JOIN order_line o ON o.order_id = i.order_id "
        "LEFT JOIN addition a ON a.line_id = o.id "
        "LEFT JOIN licence_group g ON g.line_id = o.id OR g.id = a.group_id "
        "JOIN invoice_line l ON l.invoice_id = i.id AND l.service = g.name "
        "WHERE i.kind = '{InvoiceKind.INVOICE}' AND coalesce(a.status <> "
        "'{AdditionStatus.INSTALLED}', g.installed_at IS NULL)"
    ),
    "the delivery of order {} failed, and the refund of what is missing is not scheduled": (
        "SELECT o.number FROM purchase_order o "
        "WHERE o.status = '{OrderStatus.DELIVERY_FAILED}' AND o.total_cents > 0 "
        "AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.order_id = o.id "
        "AND p.status = '{PaymentStatus.REFUND_DUE}') "
        "AND NOT EXISTS (SELECT 1 FROM job j WHERE j.status IN ({WAITING}) "
        "AND j.kind = '{kinds.refund_undelivered.kind}' AND j.key LIKE "
        "'{kinds.refund_undelivered.kind}:' || o.id || ':%%')"
    ),
    "the customer withdrew from order {}, and it is delivered, or to be, all the same": (
        "SELECT o.number FROM purchase_order o WHERE o.withdrawn_at IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM job j WHERE j.status IN ({WAITING}) "
        "AND j.key = '{CARRY_OUT_WITHDRAWAL}:' || o.id) "
        "AND (o.status IN ({UNDELIVERED}) OR EXISTS (SELECT 1 FROM order_line l "
        "JOIN licence_group g ON g.line_id = l.id WHERE l.order_id = o.id "
        "AND g.status IN ('{GroupStatus.INSTALLED}', '{GroupStatus.SUSPENDED}')) "
        "OR EXISTS (SELECT 1 FROM order_line l JOIN addition a ON a.line_id = l.id "
        "JOIN licence_group g ON g.id = a.group_id JOIN seat s ON s.line_id = l.id "
        "WHERE l.order_id = o.id AND a.status = '{AdditionStatus.INSTALLED}' "
        "AND g.status IN ('{GroupStatus.INSTALLED}', '{GroupStatus.SUSPENDED}') "
        "AND NOT EXISTS (SELECT 1 FROM give_back b WHERE b.seat_id = s.id "
        "AND b.status IN ({LEAVING}) "
        "AND (b.order_id = o.id OR b.status = '{TerminationStatus.ENDING}'))))"
    ),
    "the customer withdrew from order {}, and its licences are not being removed": (
        "SELECT DISTINCT o.number FROM give_back b JOIN purchase_order o ON o.id = b.order_id "
        "WHERE b.status IN ({LEAVING}) AND NOT EXISTS (SELECT 1 FROM job j "
        "WHERE j.status IN ({WAITING}) AND j.kind = '{kinds.end_withdrawn_seats.kind}' "
        "AND j.key LIKE '{kinds.end_withdrawn_seats.kind}:' || o.id || ':%%')"
    ),
    "the customer withdrew from order {}, and its money is kept": (
        "SELECT DISTINCT o.number FROM purchase_order o "
        "LEFT JOIN invoice i ON i.order_id = o.id AND i.kind = '{InvoiceKind.INVOICE}' "
        "AND i.status <> '{InvoiceStatus.REFUNDED}' "
        "LEFT JOIN payment p ON p.order_id = o.id AND p.status = '{PaymentStatus.SUCCEEDED}' "
        "AND o.status = '{OrderStatus.REFUNDED}' "
        "WHERE o.withdrawn_at IS NOT NULL AND coalesce(i.id, p.id) IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM job j WHERE j.status IN ({WAITING}) "
        "AND j.key = '{CARRY_OUT_WITHDRAWAL}:' || o.id)"
    ),
    "the customer withdrew from service {}, and a month of it is still charged": (
        "SELECT DISTINCT g.name FROM termination t JOIN licence_group g ON g.id = t.group_id "
        "JOIN invoice i ON i.group_id = g.id AND i.kind = '{InvoiceKind.INVOICE}' "
        "WHERE t.cause = '{TerminationCause.WITHDRAWAL}' AND i.status <> '{InvoiceStatus.REFUNDED}'"
    ),
    "the unpaid order {} is for a group that is suspended or has ended": (
        "SELECT o.number FROM purchase_order o JOIN order_line l ON l.order_id = o.id "
        "JOIN addition a ON a.line_id = l.id JOIN licence_group g ON g.id = a.group_id "
        "WHERE o.status = '{OrderStatus.AWAITING_PAYMENT}' "
        "AND g.status <> '{GroupStatus.INSTALLED}' "
        "AND NOT EXISTS (SELECT 1 FROM job j WHERE j.status IN ({WAITING}) "
        "AND j.key = '{kinds.close_addition.kind}:' || o.id)"
    ),
    "the unpaid order {} has an amount that no bank accepts": (
        "SELECT o.number FROM purchase_order o "
        "WHERE o.status = '{OrderStatus.AWAITING_PAYMENT}' "
        "AND o.total_cents NOT BETWEEN {LEAST} AND {MOST}"
    ),
    "the unpaid order {} does not expire": (
        "SELECT o.number FROM purchase_order o "
        "WHERE o.status = '{OrderStatus.AWAITING_PAYMENT}' "
        "AND NOT EXISTS (SELECT 1 FROM job j WHERE j.status IN ({WAITING}) "
        "AND j.key = '{kinds.expire_order.kind}:' || o.id)"
    ),
    "the unpaid order {} was to be replaced by a later one, and is still payable": (
        "SELECT o.number FROM purchase_order o "
        "WHERE o.status = '{OrderStatus.AWAITING_PAYMENT}' "
        "AND EXISTS (SELECT 1 FROM purchase_order p WHERE p.account_id = o.account_id "
        "AND p.basket = o.basket AND p.id > o.id AND p.status = o.status)"
    ),
    "the group {} counts the places taken in it wrongly": (
        "SELECT g.name FROM licence_group g "
        "WHERE g.status IN ('{GroupStatus.INSTALLED}', '{GroupStatus.SUSPENDED}') "
        "AND g.places_taken <> (SELECT count(*) FROM seat s WHERE s.group_id = g.id) "
        "+ (SELECT coalesce(sum(l.quantity), 0) FROM addition a "
        "JOIN order_line l ON l.id = a.line_id WHERE a.group_id = g.id "
        "AND a.status IN ('{AdditionStatus.HELD}', '{AdditionStatus.FAILED}')) "
        "AND NOT EXISTS (SELECT 1 FROM addition a "
        "WHERE a.group_id = g.id AND a.status = '{AdditionStatus.INSTALLING}')"
    ),
    "the country of the consumer of order {} is kept with fewer than two proofs": (
        "SELECT o.number FROM purchase_order o WHERE o.paid_at IS NOT NULL AND o.total_cents > 0 "
        "AND substr(o.vat_code, 1, 4) = 'oss:' "
        "AND o.placed_at >= (SELECT min(p.recorded_at) FROM place_proof p) "
        "AND (SELECT count(*) FROM place_proof p WHERE p.order_id = o.id) < 2"
    ),
    "invoice {} charges no VAT, and no confirmation of the number is on record": (
        "SELECT i.number FROM invoice i WHERE i.kind = '{InvoiceKind.INVOICE}' "
        "AND substr(i.vat_code, 1, 15) = 'reverse_charge:' "
        "AND i.issued_at >= (SELECT min(v.asked_at) FROM vat_check v) "
        "AND NOT EXISTS (SELECT 1 FROM vat_check v WHERE v.account_id = i.account_id "
        "AND v.answer = '{VatAnswer.CONFIRMED}' AND v.asked_at <= i.issued_at)"
    ),
    "contract {} was not published in both languages": (
        "SELECT c.kind || '-' || c.version FROM contract c GROUP BY c.kind, c.version "
        "HAVING count(*) <> 2"
    ),
    "a new version of a contract applies, and it was not announced to customer {}": (
        "SELECT DISTINCT a.nic_handle FROM contract c "
        "JOIN subscription s ON s.started_at < c.published_at "
        "AND (s.ended_at IS NULL OR s.ended_at > c.applies_on) "
        "JOIN account a ON a.id = s.account_id "
        "WHERE c.applies_on <= '{TODAY}' AND NOT EXISTS (SELECT 1 FROM contract_announcement n "
        "WHERE n.account_id = a.id AND n.kind = c.kind AND n.version = c.version)"
    ),
    "the lines of payout {} do not add up to its amount": (
        "SELECT p.reference FROM payout p WHERE p.read_at IS NOT NULL AND p.is_automatic "
        "AND p.cents <> (SELECT coalesce(sum(l.gross_cents - l.fee_cents), 0) "
        "FROM payout_line l WHERE l.payout_id = p.id)"
    ),
    "payout {} sums its lines up wrongly": (
        "SELECT p.reference FROM payout p "
        "LEFT JOIN (SELECT payout_id, count(*) AS number, sum(fee_cents) AS fees, "
        "sum(CASE WHEN problem <> '' AND explanation = '' THEN 1 ELSE 0 END) AS open "
        "FROM payout_line GROUP BY payout_id) AS l ON l.payout_id = p.id "
        "WHERE p.line_count <> coalesce(l.number, 0) OR p.fee_cents <> coalesce(l.fees, 0) "
        "OR p.open_lines <> coalesce(l.open, 0)"
    ),
    "payment {} arrived in more than one payout": (
        "SELECT l.payment_id FROM payout_line l WHERE l.kind = '{LineKind.CHARGE}' "
        "AND l.gross_cents > 0 AND l.problem = '' GROUP BY l.payment_id HAVING count(*) > 1"
    ),
    "payment {} counts as paid out and is in no payout, or the other way round": (
        "SELECT p.id FROM payment p WHERE p.is_paid_out <> EXISTS (SELECT 1 FROM payout_line l "
        "WHERE l.payment_id = p.id AND l.kind = '{LineKind.CHARGE}' AND l.gross_cents > 0)"
    ),
    "payout {} is booked with another amount than arrived": (
        "SELECT p.reference FROM payout p WHERE p.booked_at IS NOT NULL "
        "AND p.received_cents - CASE WHEN p.returned_at IS NULL THEN 0 ELSE p.cents END "
        "<> CASE WHEN p.status = '{PayoutStatus.PAID}' THEN p.cents ELSE 0 END"
    ),
    "numbers are missing or too many in the series {}": (
        "SELECT s.name FROM invoice_series s WHERE s.last <> "
        "(SELECT count(*) FROM invoice i "
        "WHERE substr(i.number, 1, length(s.name) + 1) = s.name || '-')"
    ),
    "the balance of customer {} differs from the open amounts": (
        "SELECT a.nic_handle FROM account a JOIN ("
        "SELECT account_id, sum(cents) AS cents FROM ("
        "SELECT account_id, cents FROM ledger_entry UNION ALL "
        "SELECT account_id, cents - used_cents - paid_out_cents FROM account_credit UNION ALL "
        "SELECT account_id, -(total_cents - credited_cents - offset_cents) FROM invoice "
        "WHERE kind = '{InvoiceKind.INVOICE}' AND status IN ({OWED}) UNION ALL "
        "SELECT account_id, total_cents - offset_cents FROM invoice "
        "WHERE kind = '{InvoiceKind.CREDIT_NOTE}' AND status = '{InvoiceStatus.DUE}' UNION ALL "
        # Of a credit note that is due, one payment may have given back its part.
        "SELECT i.account_id, -f.cents FROM refund f JOIN invoice i ON i.id = f.credit_note_id "
        "WHERE i.status = '{InvoiceStatus.DUE}' AND f.status = '{RefundStatus.SUCCEEDED}' "
        "UNION ALL "
        "SELECT o.account_id, coalesce(p.taken_cents, p.amount_cents) FROM payment p "
        "JOIN purchase_order o ON o.id = p.order_id WHERE p.status IN ({HELD}) "
        "AND NOT EXISTS (SELECT 1 FROM invoice i "
        "WHERE i.order_id = o.id AND i.kind = '{InvoiceKind.INVOICE}' "
        "AND p.status = '{PaymentStatus.SUCCEEDED}') UNION ALL "
        "SELECT i.account_id, coalesce(p.taken_cents, p.amount_cents) FROM payment p "
        "JOIN invoice i ON i.id = p.invoice_id WHERE p.status = '{PaymentStatus.REFUND_DUE}' "
        "UNION ALL SELECT coalesce(o.account_id, i.account_id), p.uncharged_cents FROM payment p "
        "LEFT JOIN purchase_order o ON o.id = p.order_id "
        "LEFT JOIN invoice i ON i.id = p.invoice_id WHERE p.status = '{PaymentStatus.SUCCEEDED}' "
        "AND (p.invoice_id IS NOT NULL OR EXISTS (SELECT 1 FROM invoice i "
        "WHERE i.order_id = o.id AND i.kind = '{InvoiceKind.INVOICE}')) "
        # Of a payment that is to be refunded, also what was given back for a credit note.
        "UNION ALL SELECT coalesce(o.account_id, i.account_id), -f.cents FROM refund f "
        "JOIN payment p ON p.id = f.payment_id LEFT JOIN purchase_order o ON o.id = p.order_id "
        "LEFT JOIN invoice i ON i.id = p.invoice_id "
        "WHERE f.status = '{RefundStatus.SUCCEEDED}' AND (f.credit_note_id IS NULL "
        "AND f.origin = '{RefundOrigin.SHOP}' AND p.status IN ({HELD}) "
        "OR f.credit_note_id IS NOT NULL AND p.status = '{PaymentStatus.REFUND_DUE}') "
        "UNION ALL SELECT coalesce(o.account_id, i.account_id), -m.cents FROM ("
        "SELECT payment_id, cents FROM refund WHERE origin = '{RefundOrigin.BANK}' AND "
        "credit_note_id IS NULL "
        "AND status = '{RefundStatus.SUCCEEDED}' UNION ALL "
        "SELECT payment_id, withdrawn_cents - absorbed_cents FROM dispute) AS m "
        "JOIN payment p ON p.id = m.payment_id AND p.status <> '{PaymentStatus.LOST}' "
        "LEFT JOIN purchase_order o ON o.id = p.order_id "
        "LEFT JOIN invoice i ON i.id = p.invoice_id"
        ") AS moved GROUP BY account_id) AS balance ON balance.account_id = a.id "
        "WHERE balance.cents <> 0"
    ),
}
"""Each inconsistency, and the query that finds the numbers or names of the rows that have it."""


def find_faults() -> Iterator[str]:
    """Check that all that was charged, paid, credited and refunded balances; yield each fault."""
    values = {**_STATES, "TODAY": clock.today().isoformat()}
    for sentence, query in FAULTS.items():
        ordered = query.format_map(values) + " ORDER BY 1"
        for (name,) in database.execute_sql(ordered).fetchall():
            yield sentence.format(name)
