"""Disputes of payments, and refunds that the shop did not ask for."""

from peewee import (
    SQL,
    AutoField,
    BigIntegerField,
    CharField,
    Check,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
    PostgresqlDatabase,
)


class Payment(Model):
    id = IntegerField(primary_key=True)

    class Meta:
        legacy_table_names = False
        table_name = "payment"


class Dispute(Model):
    id = AutoField()
    payment = ForeignKeyField(Payment, backref="+")
    status = CharField(max_length=16, constraints=[SQL("DEFAULT 'open'")])
    reference = CharField(max_length=128, unique=True)
    cents = BigIntegerField()
    withdrawn_cents = BigIntegerField(constraints=[SQL("DEFAULT 0")])
    reason = CharField(max_length=64, constraints=[SQL("DEFAULT ''")])
    created_at = DateTimeField()
    settled_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "dispute"
        constraints = [
            Check("status IN ('open', 'won', 'lost')"),
            Check("cents > 0"),
            Check("withdrawn_cents >= 0"),
        ]
        indexes = ((("status",), False),)


WIDENS = ("ledger_entry",)

CHECKS = {
    "kind IN ('charged', 'credited', 'paid', 'refunded', 'returned')": (
        "kind IN ('charged', 'credited', 'paid', 'refunded', 'returned', 'withdrawn', 'reinstated')"
    ),
    "CASE WHEN kind IN ('charged', 'refunded') THEN cents >= 0 ELSE cents <= 0 END": (
        "CASE WHEN kind IN ('charged', 'refunded', 'withdrawn') THEN cents >= 0 ELSE cents <= 0 END"
    ),
}
"""The CHECKs of the ledger that change, and what they become."""

STARTS = ("CHECK (((kind)%= ANY%", "CHECK (%CASE%")
"""What PostgreSQL calls them."""


def replace_checks(db):
    """Replace those CHECKs; the ledger keeps its rows."""
    if isinstance(db, PostgresqlDatabase):
        for start, new in zip(STARTS, CHECKS.values()):
            rows = db.execute_sql(
                "SELECT conname FROM pg_constraint WHERE conrelid = 'ledger_entry'::regclass "
                "AND contype = 'c' AND pg_get_constraintdef(oid) LIKE %s",
                (start,),
            ).fetchall()
            assert len(rows) == 1, (start, rows)
            db.execute_sql(f'ALTER TABLE ledger_entry DROP CONSTRAINT "{rows[0][0]}"')
            db.execute_sql(f"ALTER TABLE ledger_entry ADD CHECK ({new})")
        return
    # SQLite's documented way to change a CHECK: nothing on disk but the words of the table changes.
    (version,) = db.execute_sql("PRAGMA schema_version").fetchone()
    db.execute_sql("PRAGMA writable_schema = ON")
    for old, new in CHECKS.items():
        db.execute_sql(
            "UPDATE sqlite_master SET sql = replace(sql, ?, ?) "
            "WHERE type = 'table' AND name = 'ledger_entry'",
            (f"({old})", f"({new})"),
        )
    db.execute_sql(f"PRAGMA schema_version = {version + 1}")
    db.execute_sql("PRAGMA writable_schema = OFF")


def up(migrator, db):
    """Create the table and the columns."""
    with db.bind_ctx([Payment, Dispute]):
        db.create_tables([Dispute])
    db.execute_sql("ALTER TABLE refund ADD COLUMN explanation VARCHAR(255) NOT NULL DEFAULT ''")
    db.execute_sql(
        'ALTER TABLE ledger_entry ADD COLUMN dispute_id INTEGER REFERENCES "dispute" ("id") '
        "CHECK (kind NOT IN ('withdrawn', 'reinstated') OR dispute_id IS NOT NULL)"
    )
    db.execute_sql('CREATE INDEX "ledger_entry_dispute_id" ON "ledger_entry" ("dispute_id")')
    replace_checks(db)
