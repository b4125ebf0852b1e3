"""Faults of orders, deliveries, withdrawals and contracts.

`ledger_proof` gives the braces in the queries their values.
"""

from __future__ import annotations

FAULTS = {
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
}
"""Each inconsistency, and the query that finds the numbers or names of the rows that have it."""
