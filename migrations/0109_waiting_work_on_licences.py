"""Work on licences that waits, found by its age."""

CONDITION = (
    "status IN ('queued', 'running') "
    "AND kind IN ('activate_seat', 'update_seat', 'set_seat_password', 'release_seat')"
)


def up(migrator, db):
    """Create the index."""
    db.execute_sql(f'CREATE INDEX "job_on_licence" ON "job" ("created_at") WHERE {CONDITION}')


def down(migrator, db):
    """Drop it."""
    db.execute_sql('DROP INDEX "job_on_licence"')
