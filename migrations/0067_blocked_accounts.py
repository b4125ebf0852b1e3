"""When the operator blocked an account."""

from peewee import SqliteDatabase


def up(migrator, db):
    """Add the column; no account is blocked."""
    kind = "DATETIME" if isinstance(db, SqliteDatabase) else "TIMESTAMP"
    db.execute_sql(f"ALTER TABLE account ADD COLUMN blocked_at {kind}")


def down(migrator, db):
    """Drop it."""
    db.execute_sql("ALTER TABLE account DROP COLUMN blocked_at")
