"""A digest of the form and the text of a note: a form sent twice writes one note."""


def up(migrator, db):
    """Add the column; the previous release writes notes without a key."""
    db.execute_sql('ALTER TABLE "customer_note" ADD COLUMN "key" VARCHAR(64)')
    db.execute_sql('CREATE UNIQUE INDEX "customer_note_key" ON "customer_note" ("key")')


def down(migrator, db):
    """Take it back."""
    db.execute_sql('DROP INDEX "customer_note_key"')
    db.execute_sql('ALTER TABLE "customer_note" DROP COLUMN "key"')
