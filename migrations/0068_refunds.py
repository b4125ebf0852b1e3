"""Refunds as rows with states of their own; the ledger says which refund an entry is about."""

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


class Invoice(Model):
    id = IntegerField(primary_key=True)

    class Meta:
        legacy_table_names = False
        table_name = "invoice"


class Refund(Model):
    id = AutoField()
    payment = ForeignKeyField(Payment, backref="+")
    credit_note = ForeignKeyField(Invoice, backref="+", null=True)
    status = CharField(max_length=16, constraints=[SQL("DEFAULT 'asked'")])
    method = CharField(max_length=16, constraints=[SQL("DEFAULT 'card'")])
    origin = CharField(max_length=16, constraints=[SQL("DEFAULT 'shop'")])
    key = CharField(max_length=128, unique=True)
    reference = CharField(max_length=128, null=True)
    cents = BigIntegerField()
    reason = CharField(max_length=64, constraints=[SQL("DEFAULT ''")])
    created_at = DateTimeField()
    settled_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "refund"
        constraints = [
            Check("status IN ('asked', 'pending', 'succeeded', 'failed')"),
            Check("method IN ('card', 'manual')"),
            Check("origin IN ('shop', 'bank')"),
            Check("cents > 0"),
            Check("status <> 'succeeded' OR settled_at IS NOT NULL"),
        ]
        indexes = ((("status",), False),)


INDEXES = (
    'CREATE UNIQUE INDEX "refund_one_of_credit_note" ON "refund" ("credit_note_id") '
    "WHERE credit_note_id IS NOT NULL AND status <> 'failed'",
    'CREATE UNIQUE INDEX "refund_one_of_payment" ON "refund" ("payment_id") '
    "WHERE credit_note_id IS NULL AND origin = 'shop' AND status <> 'failed'",
    'CREATE UNIQUE INDEX "refund_one_of_reference" ON "refund" ("reference") '
    "WHERE method = 'card' AND reference IS NOT NULL",
)

LEDGER_INDEXES = {
    "ledger_entry_one_of_document": (
        '("invoice_id", "kind")', "kind IN ('charged', 'credited')",
    ),
    "ledger_entry_one_way_back": (
        '("payment_id")',
        "kind = 'refunded' AND invoice_id IS NULL AND refund_id IS NULL",
    ),
    "ledger_entry_one_of_refund": ('("refund_id", "kind")', "refund_id IS NOT NULL"),
}  # fmt: skip

KINDS = "kind IN ('charged', 'credited', 'paid', 'refunded')"
MORE_KINDS = "kind IN ('charged', 'credited', 'paid', 'refunded', 'returned')"

NOTES = (
    "SELECT e.payment_id, n.id AS note_id, n.number, e.id AS entry_id, e.cents, e.at, "
    "CASE WHEN n.method = 'card' THEN 'card' ELSE 'manual' END AS method, "
    "(SELECT max(v.note) FROM event v WHERE v.subject = 'invoice' AND v.subject_id = n.id "
    "AND v.to_status = 'refunded') AS reference "
    "FROM ledger_entry e JOIN invoice n ON n.id = e.invoice_id WHERE e.kind = 'refunded'"
)
"""The refunds of credit notes, as the ledger and the events have them."""

PAYMENTS = (
    "SELECT p.id, p.key, p.refund, e.cents, e.at, CASE WHEN p.refund = 'manual' "
    "OR p.method = 'manual' THEN 'manual' ELSE 'card' END AS method "
    "FROM ledger_entry e JOIN payment p ON p.id = e.payment_id "
    "WHERE e.kind = 'refunded' AND e.invoice_id IS NULL"
)
"""The refunds of whole payments."""

WAITING = (
    ("refund_payment", "payment",
     "SELECT id, coalesce(settled_at, created_at) AS at FROM payment WHERE status = 'refund_due'"),
    ("refund_credit_note", "credit_note",
     "SELECT id, issued_at AS at FROM invoice WHERE kind = 'credit_note' AND status = 'due'"),
)  # fmt: skip
"""The jobs that ask for each refund that is due: those that failed, or are missing, run again."""


def replace_check(db, table, old, new):
    """Replace one CHECK of a table, which keeps its rows."""
    if isinstance(db, PostgresqlDatabase):
        first = old.partition(" ")[0]
        rows = db.execute_sql(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c' "
            "AND pg_get_constraintdef(oid) LIKE %s AND pg_get_constraintdef(oid) LIKE %s",
            (table, f"CHECK ((({first})%", "%= ANY%"),
        ).fetchall()
        assert len(rows) == 1, (table, rows)
        db.execute_sql(f'ALTER TABLE {table} DROP CONSTRAINT "{rows[0][0]}"')
        db.execute_sql(f"ALTER TABLE {table} ADD CHECK ({new})")
        return
    # SQLite's documented way to change a CHECK: nothing on disk but the words of the table changes.
    (version,) = db.execute_sql("PRAGMA schema_version").fetchone()
    db.execute_sql("PRAGMA writable_schema = ON")
    db.execute_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ?",
        (f"({old})", f"({new})", table),
    )
    db.execute_sql(f"PRAGMA schema_version = {version + 1}")
    db.execute_sql("PRAGMA writable_schema = OFF")


def up(migrator, db):
    """Create the table, with the refunds made so far."""
    with db.bind_ctx([Payment, Invoice, Refund]):
        db.create_tables([Refund])
    for index in INDEXES:
        db.execute_sql(index)
    db.execute_sql(
        "ALTER TABLE ledger_entry ADD COLUMN refund_id INTEGER "
        'REFERENCES "refund" ("id") CHECK (kind <> \'returned\' OR refund_id IS NOT NULL)'
    )
    replace_check(db, "ledger_entry", KINDS, MORE_KINDS)
    db.execute_sql('CREATE INDEX "ledger_entry_refund_id" ON "ledger_entry" ("refund_id")')
    for name, (columns, condition) in LEDGER_INDEXES.items():
        db.execute_sql(f'DROP INDEX IF EXISTS "{name}"')
        db.execute_sql(
            f'CREATE UNIQUE INDEX "{name}" ON "ledger_entry" {columns} WHERE {condition}'
        )
    made = (
        "status, origin, payment_id, credit_note_id, method, key, reference, cents, created_at, "
        "settled_at"
    )
    db.execute_sql(
        f"INSERT INTO refund ({made}, reason) SELECT 'succeeded', 'shop', r.payment_id, "
        "r.note_id, r.method, 'refund-' || r.number, r.reference, r.cents, r.at, r.at, '' "
        f"FROM ({NOTES}) AS r WHERE r.cents > 0"
    )
    db.execute_sql(
        f"INSERT INTO refund ({made}, reason) SELECT 'succeeded', 'shop', r.id, NULL, "
        "r.method, 'refund-' || r.key, r.refund, r.cents, r.at, r.at, '' "
        f"FROM ({PAYMENTS}) AS r WHERE r.cents > 0"
    )
    db.execute_sql(
        "UPDATE ledger_entry SET refund_id = (SELECT f.id FROM refund f "
        "WHERE f.payment_id = ledger_entry.payment_id "
        "AND (f.credit_note_id = ledger_entry.invoice_id "
        "OR (f.credit_note_id IS NULL AND ledger_entry.invoice_id IS NULL))) "
        "WHERE kind = 'refunded'"
    )
    for kind, argument, due in WAITING:
        job = f"(SELECT j.id FROM job j WHERE j.key = '{kind}:' || due.id)"
        db.execute_sql(
            f"UPDATE job SET status = 'queued', attempts = 0, error = '' "
            f"WHERE status = 'failed' AND kind = '{kind}'"
        )
        db.execute_sql(
            "INSERT INTO job (kind, key, payload, status, priority, attempts, run_at, error, created_at) "
            f"SELECT '{kind}', '{kind}:' || due.id, '{{\"{argument}\":' || due.id || '}}', 'queued', "
            f"0, 0, due.at, '', due.at FROM ({due}) AS due WHERE NOT EXISTS {job}"
        )
