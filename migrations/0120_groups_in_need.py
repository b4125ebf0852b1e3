"""The groups of a customer that need attention, the most urgent first, found by an index."""


def up(migrator, db):
    """Create the index."""
    db.execute_sql(
        'CREATE INDEX "licence_group_in_need" ON "licence_group" '
        '("account_id", "status", "seats_error" DESC, "display_name") '
        "WHERE (seats_error > 0 OR seats_unconfigured > 0 OR seats_idle > 0)"
    )


def down(migrator, db):
    """Drop it."""
    db.execute_sql('DROP INDEX "licence_group_in_need"')
