"""The lines and the PDFs of issued invoices never change either."""

from peewee import PostgresqlDatabase

GUARDED = ("invoice_line", "invoice_file")


def up(migrator, db):
    """Refuse every change of them, as 0030 does for the invoices."""
    for table in GUARDED:
        if isinstance(db, PostgresqlDatabase):
            then = "FOR EACH ROW EXECUTE FUNCTION invoice_never_changes()"
        else:
            then = "BEGIN SELECT RAISE(ABORT, 'an issued invoice never changes'); END"
        db.execute_sql(f"CREATE TRIGGER {table}_never_changes BEFORE UPDATE ON {table} {then}")
