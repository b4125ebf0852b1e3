"""Files of people: the newest of a group, and the one that is being worked on, by an index."""

INDEXES = {
    "seat_import_group_id_id": "group_id, id",
    "seat_import_group_id_status_id": "group_id, status, id",
}


def up(migrator, db):
    """Replace the index on the group alone by those that also say which."""
    db.execute_sql("DROP INDEX seat_import_group_id")
    for name, columns in INDEXES.items():
        db.execute_sql(f"CREATE INDEX {name} ON seat_import ({columns})")


def down(migrator, db):
    """Put the former one back."""
    for name in INDEXES:
        db.execute_sql(f"DROP INDEX {name}")
    db.execute_sql("CREATE INDEX seat_import_group_id ON seat_import (group_id)")
