"""An index by which workers take due jobs, each priority at one look."""


def up(migrator, db):
    """Create it; workers of the previous release do without."""
    db.execute_sql("CREATE INDEX job_waiting ON job (priority, run_at, id) WHERE status = 'queued'")


def down(migrator, db):
    """Take it back."""
    db.execute_sql("DROP INDEX job_waiting")
