"""Documents in the order of their days, and declined cards, found by indexes."""


def up(migrator, db):
    """Add the id to the index of days, and an index of the few payments that were declined."""
    db.execute_sql('CREATE INDEX "invoice_issued_on_id" ON "invoice" ("issued_on", "id")')
    db.execute_sql('DROP INDEX "invoice_issued_on"')
    db.execute_sql(
        'CREATE INDEX "payment_declined" ON "payment" ("settled_at") '
        "WHERE status = 'declined' AND card_id IS NOT NULL"
    )


def down(migrator, db):
    """Take them back."""
    db.execute_sql('DROP INDEX "payment_declined"')
    db.execute_sql('CREATE INDEX "invoice_issued_on" ON "invoice" ("issued_on")')
    db.execute_sql('DROP INDEX "invoice_issued_on_id"')
