"""The money of wrong invoices that pays those in their places, taxed otherwise."""

from peewee import AutoField, BigIntegerField, Check, ForeignKeyField, IntegerField, Model


class Invoice(Model):
    id = IntegerField(primary_key=True)

    class Meta:
        legacy_table_names = False
        table_name = "invoice"


class MovedPayment(Model):
    id = AutoField()
    credit_note = ForeignKeyField(Invoice, unique=True)
    cents = BigIntegerField()

    class Meta:
        legacy_table_names = False
        table_name = "moved_payment"
        constraints = [Check("cents >= 0")]


def up(migrator, db):
    """Add their table; corrections before had no goodwill to leave out."""
    with db.bind_ctx([Invoice, MovedPayment]):
        db.create_tables([MovedPayment])


def down(migrator, db):
    """Take it back."""
    with db.bind_ctx([Invoice, MovedPayment]):
        db.drop_tables([MovedPayment])
