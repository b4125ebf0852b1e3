"""What credit notes absorbed of the amounts that banks took back of payments."""

from peewee import PostgresqlDatabase


def up(migrator, db):
    """Add the columns: notes issued before absorbed nothing."""
    cents = "BIGINT" if isinstance(db, PostgresqlDatabase) else "INTEGER"
    for table in ("invoice", "dispute"):
        db.execute_sql(f"ALTER TABLE {table} ADD COLUMN absorbed_cents {cents} NOT NULL DEFAULT 0")


def down(migrator, db):
    """Take them back."""
    for table in ("invoice", "dispute"):
        db.execute_sql(f"ALTER TABLE {table} DROP COLUMN absorbed_cents")
