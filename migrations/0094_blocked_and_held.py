"""Why an account is blocked, and until when orders and cards of an account are held."""

from peewee import SqliteDatabase


def up(migrator, db):
    """Add the columns."""
    moment = "DATETIME" if isinstance(db, SqliteDatabase) else "TIMESTAMP"
    db.execute_sql("ALTER TABLE account ADD COLUMN blocked_reason VARCHAR(255)")
    db.execute_sql(f"ALTER TABLE account ADD COLUMN money_held_until {moment}")
