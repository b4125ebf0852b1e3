"""Seats of ended groups say that they ended, and keep no password."""

from peewee import PostgresqlDatabase

OVER = "SELECT id FROM licence_group WHERE status IN ('terminated', 'cancelled')"

STATUSES = ("unconfigured", "activating", "active", "updating", "releasing", "error")

BEFORE = {
    "status IN ('unconfigured', 'activating', 'active', 'updating', 'releasing', 'error')":
        "status IN ('unconfigured', 'activating', 'active', 'updating', 'releasing', 'error', "
        "'ended')",
    "(status = 'unconfigured') = (login_key IS NULL)":
        "status = 'ended' OR (status = 'unconfigured') = (login_key IS NULL)",
    "(act = '') = (status IN ('unconfigured', 'active'))":
        "(act = '') = (status IN ('unconfigured', 'active', 'ended'))",
}  # fmt: skip
"""The CHECKs of seats that change, and what they become."""

KEPT = (
    "status <> 'active' OR (reference <> '' AND secret = '')",
    "status <> 'unconfigured' OR (reference = '' AND secret = '')",
)
"""The CHECKs on the status that stay as they are."""

NEW = "status <> 'ended' OR secret = ''"


def replace_checks(db, changed):
    """Exchange CHECKs of the table of seats, which keeps its rows."""
    if isinstance(db, PostgresqlDatabase):
        rows = db.execute_sql(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'seat'::regclass "
            "AND contype = 'c' AND pg_get_constraintdef(oid) LIKE '%%status%%'"
        )
        for (constraint,) in rows.fetchall():
            db.execute_sql(f'ALTER TABLE seat DROP CONSTRAINT "{constraint}"')
        for check in (*KEPT, *changed.values(), NEW):
            db.execute_sql(f"ALTER TABLE seat ADD CHECK ({check})")
        return
    # SQLite's documented way to change a CHECK: nothing on disk but the words of the table changes.
    (version,) = db.execute_sql("PRAGMA schema_version").fetchone()
    db.execute_sql("PRAGMA writable_schema = ON")
    words = {f"({old})": f"({new})" for old, new in changed.items()}
    words[f"({KEPT[1]})"] = f"({KEPT[1]}) CHECK ({NEW})"
    for old, new in words.items():
        db.execute_sql(
            "UPDATE sqlite_master SET sql = replace(sql, ?, ?) "
            "WHERE type = 'table' AND name = 'seat'",
            (old, new),
        )
    db.execute_sql(f"PRAGMA schema_version = {version + 1}")
    db.execute_sql("PRAGMA writable_schema = OFF")


def up(migrator, db):
    """Allow the status, and give it to the seats of groups that have ended."""
    db.execute_sql(
        "ALTER TABLE licence_group ADD COLUMN seats_ended INTEGER NOT NULL DEFAULT 0 "
        "CHECK (seats_ended >= 0)"
    )
    replace_checks(db, BEFORE)
    db.execute_sql(
        "UPDATE seat SET status = 'ended', act = '', secret = '', error = '', "
        f"error_code = '' WHERE group_id IN ({OVER})"
    )
    db.execute_sql(f"UPDATE seat_key SET status = 'ended' WHERE group_id IN ({OVER})")
    none = ", ".join(f"seats_{status} = 0" for status in STATUSES)
    db.execute_sql(
        f"UPDATE licence_group SET {none}, seats_ended = (SELECT count(*) FROM seat "
        "WHERE seat.group_id = licence_group.id) "
        f"WHERE id IN ({OVER})"
    )
