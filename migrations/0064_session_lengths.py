"""How long a session lasts, when its customer gave a factor, and where factors were added."""

from peewee import SqliteDatabase

COLUMNS = {
    "session": {"stays": "FLAG NOT NULL DEFAULT FALSE", "factor_at": "MOMENT"},
    "passkey": {"from_known_network": "FLAG NOT NULL DEFAULT TRUE"},
    "authenticator": {"from_known_network": "FLAG NOT NULL DEFAULT TRUE"},
}


def up(migrator, db):
    """Add the columns; about factors added before, nothing is asked."""
    is_sqlite = isinstance(db, SqliteDatabase)
    moment, flag = ("DATETIME", "INTEGER") if is_sqlite else ("TIMESTAMP", "BOOLEAN")
    for table, columns in COLUMNS.items():
        for name, kind in columns.items():
            column = kind.replace("MOMENT", moment).replace("FLAG", flag)
            db.execute_sql(f"ALTER TABLE {table} ADD COLUMN {name} {column}")


def down(migrator, db):
    """Drop them."""
    for table, columns in COLUMNS.items():
        for name in columns:
            db.execute_sql(f"ALTER TABLE {table} DROP COLUMN {name}")
