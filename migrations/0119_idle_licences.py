"""Since when a licence is used, whether its holder signed in, and how many holders never did."""

from peewee import SqliteDatabase

SEAT = (
    ("active_since", "{moment}"),
    ("has_signed_in", "{flag} NOT NULL DEFAULT {no}"),
    ("is_idle", "{flag} NOT NULL DEFAULT {no}"),
)
GROUP = (
    ("seats_idle", "INTEGER NOT NULL DEFAULT 0 CHECK (seats_idle >= 0)"),
    ("sign_ins_seen_at", "{moment}"),
)

ACTIVE = "status = 'active' AND NOT has_signed_in"
INDEXES = (
    ("seat_not_signed_in", '"group_id", "number"', ACTIVE),
    ("seat_sign_in_unknown", '"group_id", "active_since"', f"{ACTIVE} AND NOT is_idle"),
    ("seat_idle", '"group_id", "number"', "is_idle"),
)


def up(migrator, db):
    """Add them; of a licence in use, its last activation says since when."""
    kinds = (
        {"moment": "DATETIME", "flag": "INTEGER", "no": "0"}
        if isinstance(db, SqliteDatabase)
        else {"moment": "TIMESTAMP", "flag": "BOOLEAN", "no": "FALSE"}
    )
    for table, columns in (("seat", SEAT), ("licence_group", GROUP)):
        for name, kind in columns:
            db.execute_sql(f"ALTER TABLE {table} ADD COLUMN {name} {kind.format(**kinds)}")
    fill(db)
    for name, columns, which in INDEXES:
        db.execute_sql(f'CREATE INDEX "{name}" ON "seat" ({columns}) WHERE {which}')


def fill(db):
    """Say since when licences are in use."""
    db.execute_sql(
        "UPDATE seat SET active_since = (SELECT MAX(e.at) FROM seat_event e "
        "WHERE e.seat_id = seat.id AND e.change = 1) WHERE reference <> '' AND status <> 'ended'"
    )


def down(migrator, db):
    """Take them back."""
    for name, _, _ in INDEXES:
        db.execute_sql(f'DROP INDEX "{name}"')
    for table, columns in (("seat", SEAT), ("licence_group", GROUP)):
        for name, _ in columns:
            db.execute_sql(f"ALTER TABLE {table} DROP COLUMN {name}")
