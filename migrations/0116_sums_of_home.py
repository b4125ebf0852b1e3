"""What a customer owes, added up from an index alone."""

OWED = "kind = 'invoice' AND status IN ('due', 'unpaid')"


def up(migrator, db):
    """Put into the index what is added up, and the columns of its condition."""
    db.execute_sql('DROP INDEX "invoice_owed"')
    db.execute_sql(
        'CREATE INDEX "invoice_owed" ON "invoice" ("account_id", "kind", "status", '
        f'"total_cents", "credited_cents", "offset_cents") WHERE {OWED}'
    )


def down(migrator, db):
    """Leave the customer alone in it."""
    db.execute_sql('DROP INDEX "invoice_owed"')
    db.execute_sql(f'CREATE INDEX "invoice_owed" ON "invoice" ("account_id") WHERE {OWED}')
