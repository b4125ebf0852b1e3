"""Acts on a selection of seats, kept like files of people."""

ACTS = "'configure', 'release', 'password', 'give_back'"


def up(migrator, db):
    """Add what is done with the lines; those of files are configured."""
    db.execute_sql(
        "ALTER TABLE seat_import ADD COLUMN act VARCHAR(16) NOT NULL DEFAULT 'configure' "
        f"CHECK (act IN ({ACTS}))"
    )
    db.execute_sql(
        "CREATE INDEX seat_import_group_id_act_id ON seat_import (group_id, act, id)"
    )


def down(migrator, db):
    """Forget the selections, and what tells them from files."""
    db.execute_sql("DELETE FROM seat_import WHERE act <> 'configure'")
    db.execute_sql("DROP INDEX seat_import_group_id_act_id")
    db.execute_sql("ALTER TABLE seat_import DROP COLUMN act")
