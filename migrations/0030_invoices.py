"""Invoices, their PDFs and the ledger; payments may pay an invoice instead of an order."""

from peewee import (
    SQL, AutoField, BigAutoField, BigIntegerField, BlobField, CharField, Check, DateField,
    DateTimeField, ForeignKeyField, IntegerField, Model, PostgresqlDatabase, TextField,
)  # fmt: skip


def table(name):
    """A table that is there already, as far as others refer to it."""
    meta = type("Meta", (), {"legacy_table_names": False, "table_name": name})
    return type(Model)(name.title().replace("_", ""), (Model,), {"Meta": meta})


Account, Order, LicenceGroup, Payment = (
    table(name) for name in ("account", "purchase_order", "licence_group", "payment")
)


class InvoiceSeries(Model):
    name = CharField(max_length=16, primary_key=True)
    last = IntegerField()

    class Meta:
        legacy_table_names = False
        table_name = "invoice_series"
        constraints = [Check("last >= 0")]


class Invoice(Model):
    id = AutoField()
    number = CharField(max_length=20, unique=True)
    kind = CharField(max_length=16)
    account = ForeignKeyField(Account, backref="+", index=False)
    order = ForeignKeyField(Order, backref="+", null=True)
    group = ForeignKeyField(LicenceGroup, backref="+", null=True, index=False)
    period_start = DateField(null=True)
    corrects = ForeignKeyField("self", backref="+", null=True)
    reason = CharField(max_length=255)
    status = CharField(max_length=16)
    language = CharField(max_length=2)
    customer = TextField()
    seller = TextField()
    currency = CharField(max_length=3)
    net_cents = BigIntegerField()
    vat_cents = BigIntegerField()
    total_cents = BigIntegerField()
    vat_rate = IntegerField()
    vat_code = CharField(max_length=32)
    issued_at = DateTimeField()
    issued_on = DateField()
    due_on = DateField()
    credited_cents = BigIntegerField()
    paid_at = DateTimeField(null=True)
    method = CharField(max_length=16)

    class Meta:
        legacy_table_names = False
        table_name = "invoice"
        constraints = [
            Check("kind IN ('invoice', 'credit_note')"),
            Check("status IN ('due', 'unpaid', 'paid', 'refunded')"),
            Check("net_cents >= 0 AND vat_cents >= 0"),
            Check("net_cents + vat_cents = total_cents"),
            Check("language IN ('fr', 'en')"),
            Check("currency = 'EUR'"),
            Check("due_on >= issued_on"),
            Check("credited_cents BETWEEN 0 AND total_cents"),
            Check("(corrects_id IS NOT NULL) = (kind = 'credit_note')"),
            Check("period_start IS NULL OR group_id IS NOT NULL"),
            Check("status <> 'paid' OR paid_at IS NOT NULL"),
        ]
        indexes = (
            (("account", "issued_on", "id"), False),
            (("group", "id"), False),
        )


Invoice.add_index(
    Invoice.index(Invoice.order, unique=True, name="invoice_one_of_order").where(
        SQL("kind = 'invoice'")
    )
)
Invoice.add_index(
    Invoice.index(
        Invoice.group, Invoice.period_start, unique=True, name="invoice_one_of_period"
    ).where(SQL("kind = 'invoice' AND period_start IS NOT NULL"))
)


class InvoiceLine(Model):
    id = AutoField()
    invoice = ForeignKeyField(Invoice, backref="+", index=False)
    position = IntegerField()
    offer_code = CharField(max_length=16)
    offer_name = CharField(max_length=64)
    service = CharField(max_length=255)
    quantity = IntegerField()
    unit_price_cents = IntegerField()
    net_cents = BigIntegerField()
    days = IntegerField(null=True)
    period_days = IntegerField(null=True)
    period_start = DateField()
    period_end = DateField()

    class Meta:
        legacy_table_names = False
        table_name = "invoice_line"
        constraints = [
            Check("quantity > 0"),
            Check("unit_price_cents >= 0"),
            Check("period_start < period_end"),
            Check("(days IS NULL) = (period_days IS NULL)"),
            Check("days IS NULL OR (days BETWEEN 1 AND period_days)"),
            Check(
                "net_cents = CASE WHEN days IS NULL "
                "THEN quantity * CAST(unit_price_cents AS BIGINT) "
                "ELSE (2 * quantity * CAST(unit_price_cents AS BIGINT) * days + period_days) "
                "/ (2 * period_days) END"
            ),
        ]
        indexes = ((("invoice", "position"), True),)


class InvoiceFile(Model):
    invoice = ForeignKeyField(Invoice, backref="+", primary_key=True)
    content = BlobField()
    digest = CharField(max_length=64)
    made_at = DateTimeField()

    class Meta:
        legacy_table_names = False
        table_name = "invoice_file"


class LedgerEntry(Model):
    id = BigAutoField()
    account = ForeignKeyField(Account, backref="+")
    kind = CharField(max_length=16)
    invoice = ForeignKeyField(Invoice, backref="+", null=True)
    payment = ForeignKeyField(Payment, backref="+", null=True)
    cents = BigIntegerField()
    at = DateTimeField()

    class Meta:
        legacy_table_names = False
        table_name = "ledger_entry"
        constraints = [
            Check("kind IN ('charged', 'credited', 'paid', 'refunded')"),
            Check("CASE WHEN kind IN ('charged', 'refunded') THEN cents >= 0 ELSE cents <= 0 END"),
            Check("kind NOT IN ('charged', 'credited') OR invoice_id IS NOT NULL"),
            Check("kind NOT IN ('paid', 'refunded') OR payment_id IS NOT NULL"),
        ]


LedgerEntry.add_index(
    LedgerEntry.index(
        LedgerEntry.invoice, LedgerEntry.kind, unique=True, name="ledger_entry_one_of_document"
    ).where(SQL("kind <> 'paid' AND invoice_id IS NOT NULL"))
)
LedgerEntry.add_index(
    LedgerEntry.index(LedgerEntry.payment, unique=True, name="ledger_entry_one_payment").where(
        SQL("kind = 'paid'")
    )
)
LedgerEntry.add_index(
    LedgerEntry.index(LedgerEntry.payment, unique=True, name="ledger_entry_one_way_back").where(
        SQL("kind = 'refunded' AND invoice_id IS NULL")
    )
)

NEW = [InvoiceSeries, Invoice, InvoiceLine, InvoiceFile, LedgerEntry]

SAID = (
    "number, kind, account_id, order_id, group_id, period_start, corrects_id, reason, language, "
    "customer, seller, currency, net_cents, vat_cents, total_cents, vat_rate, vat_code, "
    "issued_at, issued_on, due_on"
)
"""What an invoice says: never changed once it is issued."""


def is_postgresql(db):
    return isinstance(db, PostgresqlDatabase)


def let_payments_pay_invoices(db):
    """An order or an invoice, and of each at most one attempt under way and one that succeeded."""
    if is_postgresql(db):
        db.execute_sql("ALTER TABLE payment ALTER COLUMN order_id DROP NOT NULL")
    else:
        # SQLite's documented way: nothing on disk but the words of the table changes.
        (version,) = db.execute_sql("PRAGMA schema_version").fetchone()
        db.execute_sql("PRAGMA writable_schema = ON")
        db.execute_sql(
            "UPDATE sqlite_master SET sql = replace(sql, ?, ?) "
            "WHERE type = 'table' AND name = 'payment'",
            ('"order_id" INTEGER NOT NULL', '"order_id" INTEGER'),
        )
        db.execute_sql(f"PRAGMA schema_version = {version + 1}")
        db.execute_sql("PRAGMA writable_schema = OFF")
    db.execute_sql(
        'ALTER TABLE payment ADD COLUMN "invoice_id" INTEGER REFERENCES "invoice" ("id") '
        "CHECK ((order_id IS NULL) <> (invoice_id IS NULL))"
    )
    db.execute_sql('ALTER TABLE payment ADD COLUMN "card_id" INTEGER REFERENCES "card" ("id")')
    for name, column in (("payment_invoice_id", "invoice_id"), ("payment_card_id", "card_id")):
        db.execute_sql(f"CREATE INDEX {name} ON payment ({column})")
    for name, condition in (
        ("payment_one_unsettled_of_invoice", "status IN ('open', 'processing')"),
        ("payment_one_succeeded_of_invoice", "status = 'succeeded'"),
    ):
        db.execute_sql(f"CREATE UNIQUE INDEX {name} ON payment (invoice_id) WHERE {condition}")


def guard_what_invoices_say(db):
    if is_postgresql(db):
        db.execute_sql(
            "CREATE FUNCTION invoice_never_changes() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'an issued invoice never changes' "
            "USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        then = "FOR EACH ROW EXECUTE FUNCTION invoice_never_changes()"
    else:
        then = "BEGIN SELECT RAISE(ABORT, 'an issued invoice never changes'); END"
    db.execute_sql(
        f"CREATE TRIGGER invoice_never_changes BEFORE UPDATE OF {SAID} ON invoice {then}"
    )


def enter_what_was_paid(db):
    """Put the money of earlier payments on record, and have delivered orders invoiced."""
    db.execute_sql(
        "INSERT INTO ledger_entry (account_id, kind, payment_id, cents, at) "
        "SELECT o.account_id, 'paid', p.id, -coalesce(p.taken_cents, p.amount_cents), p.settled_at "
        "FROM payment p JOIN purchase_order o ON o.id = p.order_id "
        "WHERE p.status IN ('succeeded', 'refund_due', 'refunded') ORDER BY p.id"
    )
    db.execute_sql(
        "INSERT INTO ledger_entry (account_id, kind, payment_id, cents, at) "
        "SELECT o.account_id, 'refunded', p.id, coalesce(p.taken_cents, p.amount_cents), "
        "p.settled_at FROM payment p JOIN purchase_order o ON o.id = p.order_id "
        "WHERE p.status = 'refunded' ORDER BY p.id"
    )
    payload = "'{\"order\":' || id || '}'"
    db.execute_sql(
        "INSERT INTO job (kind, key, payload, status, attempts, run_at, error, created_at) "
        f"SELECT 'invoice_order', 'invoice_order:' || id, {payload}, 'queued', 0, delivered_at, "
        "'', delivered_at FROM purchase_order "
        "WHERE status = 'delivered' AND total_cents > 0 ORDER BY delivered_at, id"
    )


def up(migrator, db):
    """Create the tables, open payments to invoices, and enter what happened so far."""
    with db.bind_ctx(NEW):
        db.create_tables(NEW)
    let_payments_pay_invoices(db)
    guard_what_invoices_say(db)
    enter_what_was_paid(db)
