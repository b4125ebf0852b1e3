"""Unpaid invoices, suspended services and declined charges counted without reading tables."""

INDEXES = {
    "invoice_status_due_on": '"invoice" ("status", "due_on")',
    "payment_settled_at_card_id_status": '"payment" ("settled_at", "card_id", "status")',
    "subscription_status": '"subscription" ("status")',
}


def up(migrator, db):
    """Add the indexes."""
    for name, columns in INDEXES.items():
        db.execute_sql(f'CREATE INDEX "{name}" ON {columns}')


def down(migrator, db):
    """Take them back."""
    for name in INDEXES:
        db.execute_sql(f'DROP INDEX "{name}"')
