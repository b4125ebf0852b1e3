"""When personal data are deleted: of accounts, of licence holders, of e-mails and of invoices."""

from peewee import PostgresqlDatabase

COLUMNS = {
    "account": ("closed_at", "erased_at"),
    "licence_group": ("people_blanked_at",),
    "letter": ("emptied_at",),
    "invoice": ("blanked_at",),
}

SAID = (
    "number", "kind", "account_id", "order_id", "group_id", "period_start", "corrects_id", "reason",
    "language", "seller", "currency", "net_cents", "vat_cents", "total_cents", "vat_rate",
    "vat_code", "issued_at", "issued_on", "due_on",
)  # fmt: skip
"""What an invoice says and never changes, but for the customer."""

SAME = {True: "NEW.{0} IS NOT DISTINCT FROM OLD.{0}", False: "NEW.{0} IS OLD.{0}"}
KEPT = {
    True: "OLD.issued_on + INTERVAL '10 years' <= NEW.blanked_at",
    False: "date(OLD.issued_on, '+10 years') <= date(NEW.blanked_at)",
}


def is_postgresql(db):
    return isinstance(db, PostgresqlDatabase)


def up(migrator, db):
    """Add the columns; let the customer of an invoice be blanked after ten years, once."""
    kind = "TIMESTAMP" if is_postgresql(db) else "DATETIME"
    for table, columns in COLUMNS.items():
        for column in columns:
            db.execute_sql(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    db.execute_sql('CREATE INDEX "letter_secret" ON "letter" ("created_at") WHERE is_secret')
    db.execute_sql(
        'CREATE INDEX "licence_group_with_people" ON "licence_group" ("id") '
        "WHERE people_blanked_at IS NULL AND status IN ('terminated', 'cancelled')"
    )
    _guard(db)


def _guard(db):
    """Exchange the trigger of 0030 for one that knows the end of the ten years."""
    pg = is_postgresql(db)
    said = " AND ".join(SAME[pg].format(column) for column in SAID)
    allowed = f"OLD.blanked_at IS NULL AND NEW.blanked_at IS NOT NULL AND {KEPT[pg]} AND {said}"
    watched = ", ".join((*SAID, "customer", "blanked_at"))
    name = "invoice_never_changes"
    db.execute_sql(f"DROP TRIGGER {name}{' ON invoice' if pg else ''}")
    then = (
        f"EXECUTE FUNCTION {name}()"
        if pg
        else "BEGIN SELECT RAISE(ABORT, 'an issued invoice never changes'); END"
    )
    db.execute_sql(
        f"CREATE TRIGGER {name} BEFORE UPDATE OF {watched} ON invoice "
        f"FOR EACH ROW WHEN (NOT ({allowed})) {then}"
    )
