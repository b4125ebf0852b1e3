"""The number of a job's last lease: attempts begin again when a job is queued by hand."""

from peewee import PostgresqlDatabase


def up(migrator, db):
    """Add the column; a lease of the previous release has no number."""
    kind = "BIGINT" if isinstance(db, PostgresqlDatabase) else "INTEGER"
    db.execute_sql(f'ALTER TABLE "job" ADD COLUMN "lease" {kind} NOT NULL DEFAULT 0')


def down(migrator, db):
    """Take it back."""
    db.execute_sql('ALTER TABLE "job" DROP COLUMN "lease"')
