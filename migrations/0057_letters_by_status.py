"""Letters counted by status without reading what they say."""


def up(migrator, db):
    """Add the index."""
    db.execute_sql('CREATE INDEX "letter_status" ON "letter" ("status")')


def down(migrator, db):
    """Take it back."""
    db.execute_sql('DROP INDEX "letter_status"')
