"""Faults of payments, refunds, disputes, cards and payouts.

`ledger_proof` gives the braces in the queries their values.
"""

from __future__ import annotations

FAULTS = {
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
}
"""Each inconsistency, and the query that finds the numbers or names of the rows that have it."""
