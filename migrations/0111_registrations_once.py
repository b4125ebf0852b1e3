"""By which form a customer registered: sent again, it makes no second account."""


def up(migrator, db):
    """Add the column; earlier accounts have none."""
    db.execute_sql("ALTER TABLE account ADD COLUMN form_digest VARCHAR(64)")
    db.execute_sql('CREATE UNIQUE INDEX "account_form_digest" ON "account" ("form_digest")')


def down(migrator, db):
    """Drop it."""
    db.execute_sql('DROP INDEX "account_form_digest"')
    db.execute_sql("ALTER TABLE account DROP COLUMN form_digest")
