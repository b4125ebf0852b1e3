"""Faults of invoices, credit notes, and the balances of customers.

`ledger_proof` gives the braces in the queries their values.
"""

from __future__ import annotations

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
    "invoice {} charges no VAT, and no confirmation of the number is on record": (
        "SELECT i.number FROM invoice i WHERE i.kind = '{InvoiceKind.INVOICE}' "
        "AND substr(i.vat_code, 1, 15) = 'reverse_charge:' "
        "AND i.issued_at >= (SELECT min(v.asked_at) FROM vat_check v) "
        "AND NOT EXISTS (SELECT 1 FROM vat_check v WHERE v.account_id = i.account_id "
        "AND v.answer = '{VatAnswer.CONFIRMED}' AND v.asked_at <= i.issued_at)"
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
