"""Payments that the bank took back for good: lost in a dispute."""

from peewee import PostgresqlDatabase

WIDENS = ("payment",)

OLD = (
    "status IN ('open', 'processing', 'succeeded', 'declined', 'closed', 'refund_due', 'refunded')"
)
NEW = (
    "status IN ('open', 'processing', 'succeeded', 'declined', 'closed', 'refund_due', "
    "'refunded', 'lost')"
)


def up(migrator, db):
    """Allow the status."""
    if isinstance(db, PostgresqlDatabase):
        rows = db.execute_sql(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'payment'::regclass "
            "AND contype = 'c' AND pg_get_constraintdef(oid) LIKE '%%''refund_due''%%'"
        ).fetchall()
        assert len(rows) == 1, rows
        db.execute_sql(f'ALTER TABLE payment DROP CONSTRAINT "{rows[0][0]}"')
        db.execute_sql(f"ALTER TABLE payment ADD CHECK ({NEW})")
        return
    # SQLite's documented way to change a CHECK: nothing on disk but the words of the table changes.
    (version,) = db.execute_sql("PRAGMA schema_version").fetchone()
    db.execute_sql("PRAGMA writable_schema = ON")
    db.execute_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) "
        "WHERE type = 'table' AND name = 'payment'",
        (OLD, NEW),
    )
    db.execute_sql(f"PRAGMA schema_version = {version + 1}")
    db.execute_sql("PRAGMA writable_schema = OFF")
