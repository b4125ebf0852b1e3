"""Invoices issued anew for the same order or period, in place of a wrong one."""

from peewee import PostgresqlDatabase

WIDENS = ("invoice",)


def up(migrator, db):
    """Add the columns, and let an order have an invoice beside the one that it replaces."""
    cents = "BIGINT" if isinstance(db, PostgresqlDatabase) else "INTEGER"
    db.execute_sql(f"ALTER TABLE invoice ADD COLUMN offset_cents {cents} NOT NULL DEFAULT 0")
    db.execute_sql('ALTER TABLE invoice ADD COLUMN replaces_id INTEGER REFERENCES "invoice" ("id")')
    db.execute_sql('CREATE UNIQUE INDEX "invoice_replaces_id" ON "invoice" ("replaces_id")')
    db.execute_sql("DROP INDEX invoice_one_of_order")
    db.execute_sql(
        "CREATE UNIQUE INDEX invoice_one_of_order ON invoice (order_id) "
        "WHERE kind = 'invoice' AND replaces_id IS NULL"
    )
