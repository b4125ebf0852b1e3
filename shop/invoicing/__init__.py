"""Invoices, credit notes, receivables and the ledger (guide: « La facturation est mensuelle »)."""
