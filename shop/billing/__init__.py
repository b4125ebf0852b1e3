"""Monthly billing: periods, renewals, invoices (guide: « La facturation est mensuelle »)."""
