"""What few rows of a customer, or of the queue, are found by."""

CONDITION = (
    "status IN ('queued', 'running') "
    "AND kind IN ('activate_seat', 'update_seat', 'set_seat_password', 'release_seat')"
)


def up(migrator, db):
    """Create the indexes; that of waiting work begins with what SQLite compares first."""
    db.execute_sql('DROP INDEX "job_on_licence"')
    db.execute_sql(
        'CREATE INDEX "job_on_licence" ON "job" ("status", "kind", "created_at") '
        f"WHERE {CONDITION}"
    )
    db.execute_sql(
        'CREATE INDEX "money_act_account_id_number_id" ON "money_act" '
        '("account_id", "number", "id")'
    )
    db.execute_sql(
        'CREATE INDEX "session_open" ON "session" ("account_id", "seen_at") '
        "WHERE ended_at IS NULL"
    )


def down(migrator, db):
    """Take them back."""
    db.execute_sql('DROP INDEX "session_open"')
    db.execute_sql('DROP INDEX "money_act_account_id_number_id"')
    db.execute_sql('DROP INDEX "job_on_licence"')
    db.execute_sql(f'CREATE INDEX "job_on_licence" ON "job" ("created_at") WHERE {CONDITION}')
