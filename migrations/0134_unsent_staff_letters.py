"""An index of the e-mails to members of staff by status: those that failed are read by it."""


def up(migrator, db):
    """Add the index."""
    db.execute_sql('CREATE INDEX "staff_letter_status" ON "staff_letter" ("status")')


def down(migrator, db):
    """Take it back."""
    db.execute_sql('DROP INDEX "staff_letter_status"')
