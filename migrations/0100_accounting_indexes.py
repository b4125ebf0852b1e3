"""Entries and invoices of a period, for books and VAT returns."""

INDEXES = {
    "ledger_entry_at_id": '"ledger_entry" ("at", "id")',
    "invoice_issued_on": '"invoice" ("issued_on")',
}


def up(migrator, db):
    """Add the indexes."""
    for name, columns in INDEXES.items():
        db.execute_sql(f'CREATE INDEX "{name}" ON {columns}')


def down(migrator, db):
    """Take them back."""
    for name in INDEXES:
        db.execute_sql(f'DROP INDEX "{name}"')
