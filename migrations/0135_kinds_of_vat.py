"""An index of invoices by the kind of their VAT and day: a return of a quarter reads its own alone."""


def up(migrator, db):
    """Add the index."""
    db.execute_sql(
        'CREATE INDEX "invoice_vat_kind" ON "invoice" '
        '(SUBSTR("vat_code", 1, 4), "issued_on", "id")'
    )


def down(migrator, db):
    """Take it back."""
    db.execute_sql('DROP INDEX "invoice_vat_kind"')
