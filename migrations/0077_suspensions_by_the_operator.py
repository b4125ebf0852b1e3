"""The operator's reason for suspending or ending a service."""


def up(migrator, db):
    """Add the columns."""
    for table, column in (("subscription", "hold_reason"), ("termination", "reason")):
        db.execute_sql(f"ALTER TABLE {table} ADD COLUMN {column} VARCHAR(255) NOT NULL DEFAULT ''")


def down(migrator, db):
    """Take them back."""
    for table, column in (("subscription", "hold_reason"), ("termination", "reason")):
        db.execute_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
