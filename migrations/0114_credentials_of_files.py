"""Who gets the passwords of a file of people, or of a selection: kept for one file of them all."""

COLUMNS = {
    "seat_import": "send_to VARCHAR(8) NOT NULL DEFAULT 'me' "
    "CHECK (send_to IN ('me', 'person', 'nobody'))",
    "seat_import_line": "recipient VARCHAR(254) NOT NULL DEFAULT ''",
    "handover": 'seat_import_id INTEGER REFERENCES "seat_import" ("id") ON DELETE CASCADE',
}


def up(migrator, db):
    """Add the columns; those of earlier files were told by an e-mail each."""
    for table, column in COLUMNS.items():
        db.execute_sql(f"ALTER TABLE {table} ADD COLUMN {column}")
    db.execute_sql("CREATE INDEX handover_seat_import_id ON handover (seat_import_id)")


def down(migrator, db):
    """Drop them; passwords that were kept for a file are lost."""
    db.execute_sql("DELETE FROM handover WHERE seat_import_id IS NOT NULL")
    db.execute_sql("DROP INDEX handover_seat_import_id")
    for table, column in reversed(COLUMNS.items()):
        db.execute_sql(f"ALTER TABLE {table} DROP COLUMN {column.split()[0]}")
