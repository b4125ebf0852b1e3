"""Withdrawals of the last months counted without reading the other terminations."""


def up(migrator, db):
    """Add the index."""
    db.execute_sql('CREATE INDEX "termination_cause_asked" ON "termination" ("cause", "asked_at")')


def down(migrator, db):
    """Take it back."""
    db.execute_sql('DROP INDEX "termination_cause_asked"')
