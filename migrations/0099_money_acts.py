"""Balances of customers, and acts of the staff on money."""

from peewee import (
    SQL,
    AutoField,
    BigIntegerField,
    CharField,
    Check,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
    PostgresqlDatabase,
    TextField,
)


class Account(Model):
    id = IntegerField(primary_key=True)

    class Meta:
        legacy_table_names = False
        table_name = "account"


class Invoice(Model):
    id = IntegerField(primary_key=True)

    class Meta:
        legacy_table_names = False
        table_name = "invoice"


class AccountCredit(Model):
    id = AutoField()
    account = ForeignKeyField(Account, backref="+", index=False)
    kind = CharField(max_length=16)
    cents = BigIntegerField()
    used_cents = BigIntegerField(constraints=[SQL("DEFAULT 0")])
    paid_out_cents = BigIntegerField(constraints=[SQL("DEFAULT 0")])
    reference = CharField(max_length=128, constraints=[SQL("DEFAULT ''")])
    received_on = DateField(null=True)
    reason = CharField(max_length=255, constraints=[SQL("DEFAULT ''")])
    by = CharField(max_length=32)
    at = DateTimeField()

    class Meta:
        legacy_table_names = False
        table_name = "account_credit"
        constraints = [
            Check("kind IN ('goodwill', 'transfer')"),
            Check("cents > 0"),
            Check("used_cents >= 0 AND paid_out_cents >= 0"),
            Check("used_cents + paid_out_cents <= cents"),
            Check("paid_out_cents = 0 OR kind = 'transfer'"),
            Check("kind <> 'transfer' OR received_on IS NOT NULL"),
        ]
        indexes = ((("account", "id"), False),)


class CreditUse(Model):
    id = AutoField()
    credit = ForeignKeyField(AccountCredit, backref="+")
    invoice = ForeignKeyField(Invoice, backref="+")
    cents = BigIntegerField()
    returned_cents = BigIntegerField(constraints=[SQL("DEFAULT 0")])
    at = DateTimeField()

    class Meta:
        legacy_table_names = False
        table_name = "credit_use"
        constraints = [
            Check("cents > 0"),
            Check("returned_cents BETWEEN 0 AND cents"),
        ]


class MoneyAct(Model):
    id = AutoField()
    key = CharField(max_length=64, unique=True)
    kind = CharField(max_length=16)
    status = CharField(max_length=16)
    account = ForeignKeyField(Account, backref="+", index=False)
    number = CharField(max_length=20, constraints=[SQL("DEFAULT ''")])
    cents = BigIntegerField()
    details = TextField()
    reason = CharField(max_length=255)
    result = CharField(max_length=32, constraints=[SQL("DEFAULT ''")])
    asked_by = CharField(max_length=32)
    asked_at = DateTimeField()
    decided_by = CharField(max_length=32, constraints=[SQL("DEFAULT ''")])
    decided_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "money_act"
        constraints = [
            Check(
                "kind IN ('mark_paid', 'credit', 'goodwill', 'refund', 'retry_refund', "
                "'mark_refunded', 'pay_out')"
            ),
            Check("status IN ('waiting', 'done', 'refused')"),
            Check("cents >= 0"),
            Check("reason <> ''"),
            Check("decided_by = '' OR decided_by <> asked_by"),
        ]
        indexes = ((("status", "id"), False), (("account", "id"), False))


NEW = [AccountCredit, CreditUse, MoneyAct]

WIDENS = ("ledger_entry",)

KINDS = "'charged', 'credited', 'paid', 'refunded', 'returned', 'withdrawn', 'reinstated'"

CHECKS = {
    f"kind IN ({KINDS})": f"kind IN ({KINDS}, 'goodwill', 'received', 'paid_out')",
    "CASE WHEN kind IN ('charged', 'refunded', 'withdrawn') THEN cents >= 0 ELSE cents <= 0 END": (
        "CASE WHEN kind IN ('charged', 'refunded', 'withdrawn', 'paid_out') "
        "THEN cents >= 0 ELSE cents <= 0 END"
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
    """Create the tables and the columns."""
    with db.bind_ctx([Account, Invoice, *NEW]):
        db.create_tables(NEW)
    db.execute_sql("ALTER TABLE payment ADD COLUMN reference VARCHAR(128) NOT NULL DEFAULT ''")
    for table in ("payment", "account_credit"):
        db.execute_sql(
            f"CREATE INDEX {table}_by_reference ON {table} (reference) WHERE reference <> ''"
        )
    db.execute_sql(
        "ALTER TABLE ledger_entry ADD COLUMN credit_id INTEGER "
        'REFERENCES "account_credit" ("id") '
        "CHECK (kind NOT IN ('goodwill', 'received', 'paid_out') "
        "OR credit_id IS NOT NULL)"
    )
    db.execute_sql('CREATE INDEX "ledger_entry_credit_id" ON "ledger_entry" ("credit_id")')
    replace_checks(db)
