"""Jobs that thousands are asked for at a time wait behind those somebody waits for."""


def up(migrator, db):
    """Add the priority; what waits already keeps the usual one."""
    db.execute_sql("ALTER TABLE job ADD COLUMN priority INTEGER NOT NULL DEFAULT 0")


def down(migrator, db):
    """Take it back."""
    db.execute_sql("ALTER TABLE job DROP COLUMN priority")
