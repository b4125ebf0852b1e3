"""Payments beside which a part of their invoice is owed again; what losses moved between rates.

Refunds that the bank was asked for: their amount stays as it is.
"""

from peewee import (
    AutoField,
    BigIntegerField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
    PostgresqlDatabase,
)

WIDENS = ("payment", "refund")


class Invoice(Model):
    id = IntegerField(primary_key=True)

    class Meta:
        legacy_table_names = False
        table_name = "invoice"


class MovedLoss(Model):
    id = AutoField()
    credit_note = ForeignKeyField(Invoice)
    cents = BigIntegerField()
    at = DateTimeField()

    class Meta:
        legacy_table_names = False
        table_name = "moved_loss"
        indexes = ((("at", "id"), False),)


def up(migrator, db):
    """Add the column and the table, and exchange two rules for wider ones."""
    kind, no = ("BOOLEAN", "FALSE") if isinstance(db, PostgresqlDatabase) else ("INTEGER", "0")
    db.execute_sql(f"ALTER TABLE payment ADD COLUMN pays_part {kind} NOT NULL DEFAULT {no}")
    db.execute_sql(f"ALTER TABLE refund ADD COLUMN is_sent {kind} NOT NULL DEFAULT {no}")
    db.execute_sql('DROP INDEX "payment_one_succeeded_of_invoice"')
    db.execute_sql(
        'CREATE UNIQUE INDEX "payment_one_succeeded_of_invoice" ON "payment" ("invoice_id") '
        "WHERE status = 'succeeded' AND NOT pays_part"
    )
    db.execute_sql('DROP INDEX "refund_one_of_payment"')
    db.execute_sql(
        'CREATE UNIQUE INDEX "refund_one_awaited_of_payment" ON "refund" ("payment_id") '
        "WHERE credit_note_id IS NULL AND origin = 'shop' AND status IN ('asked', 'pending')"
    )
    with db.bind_ctx([Invoice, MovedLoss]):
        db.create_tables([MovedLoss])


def down(migrator, db):
    """Take them back."""
    with db.bind_ctx([Invoice, MovedLoss]):
        db.drop_tables([MovedLoss])
    db.execute_sql('DROP INDEX "refund_one_awaited_of_payment"')
    db.execute_sql(
        'CREATE UNIQUE INDEX "refund_one_of_payment" ON "refund" ("payment_id") '
        "WHERE credit_note_id IS NULL AND origin = 'shop' AND status <> 'failed'"
    )
    db.execute_sql('DROP INDEX "payment_one_succeeded_of_invoice"')
    db.execute_sql(
        'CREATE UNIQUE INDEX "payment_one_succeeded_of_invoice" ON "payment" ("invoice_id") '
        "WHERE status = 'succeeded'"
    )
    db.execute_sql("ALTER TABLE refund DROP COLUMN is_sent")
    db.execute_sql("ALTER TABLE payment DROP COLUMN pays_part")
