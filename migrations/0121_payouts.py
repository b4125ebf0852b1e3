"""Payouts of the bank that takes the cards, and what each is made of."""

from peewee import (
    SQL,
    AutoField,
    BigIntegerField,
    BooleanField,
    CharField,
    Check,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
)


class Payment(Model):
    id = IntegerField(primary_key=True)

    class Meta:
        legacy_table_names = False
        table_name = "payment"


class Refund(Model):
    id = IntegerField(primary_key=True)

    class Meta:
        legacy_table_names = False
        table_name = "refund"


class Dispute(Model):
    id = IntegerField(primary_key=True)

    class Meta:
        legacy_table_names = False
        table_name = "dispute"


class Payout(Model):
    id = AutoField()
    reference = CharField(max_length=128, unique=True)
    status = CharField(max_length=16, constraints=[SQL("DEFAULT 'pending'")])
    cents = BigIntegerField()
    currency = CharField(max_length=3, constraints=[SQL("DEFAULT 'EUR'")])
    arrives_on = DateField()
    announced_at = DateTimeField(index=True)
    is_automatic = BooleanField()
    reason = CharField(max_length=64, constraints=[SQL("DEFAULT ''")])
    reached = CharField(max_length=128, constraints=[SQL("DEFAULT ''")])
    read_at = DateTimeField(null=True)
    line_count = IntegerField(constraints=[SQL("DEFAULT 0")])
    fee_cents = BigIntegerField(constraints=[SQL("DEFAULT 0")])
    open_lines = IntegerField(constraints=[SQL("DEFAULT 0")])
    booked_at = DateTimeField(null=True)
    received_cents = BigIntegerField(null=True)
    returned_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "payout"
        constraints = [
            Check("status IN ('pending', 'paid', 'failed')"),
            Check("open_lines BETWEEN 0 AND line_count"),
            Check("(booked_at IS NULL) = (received_cents IS NULL)"),
            Check("returned_at IS NULL OR booked_at IS NOT NULL"),
        ]
        indexes = ((("arrives_on", "id"), False), (("status",), False))


Payout.add_index(
    Payout.index(Payout.open_lines, name="payout_open").where(SQL("open_lines > 0"))
)
Payout.add_index(
    Payout.index(Payout.booked_at, name="payout_booked").where(SQL("booked_at IS NOT NULL"))
)
Payout.add_index(
    Payout.index(Payout.returned_at, name="payout_returned").where(SQL("returned_at IS NOT NULL"))
)


class PayoutLine(Model):
    id = AutoField()
    payout = ForeignKeyField(Payout, backref="+", index=False)
    reference = CharField(max_length=128, unique=True)
    kind = CharField(max_length=16)
    gross_cents = BigIntegerField()
    fee_cents = BigIntegerField(constraints=[SQL("DEFAULT 0")])
    source = CharField(max_length=128, constraints=[SQL("DEFAULT ''")])
    description = CharField(max_length=255, constraints=[SQL("DEFAULT ''")])
    at = DateTimeField()
    payment = ForeignKeyField(Payment, backref="+", null=True)
    refund = ForeignKeyField(Refund, backref="+", null=True, index=False)
    dispute = ForeignKeyField(Dispute, backref="+", null=True, index=False)
    returned = ForeignKeyField(Payout, backref="+", null=True)
    problem = CharField(max_length=16, constraints=[SQL("DEFAULT ''")])
    explanation = CharField(max_length=255, constraints=[SQL("DEFAULT ''")])

    class Meta:
        legacy_table_names = False
        table_name = "payout_line"
        constraints = [
            Check("kind IN ('charge', 'refund', 'dispute', 'fee', 'payout', 'other')"),
            Check("problem IN ('', 'unknown', 'unsettled', 'amount', 'twice', 'other')"),
        ]
        indexes = ((("payout", "id"), False),)


PayoutLine.add_index(
    PayoutLine.index(PayoutLine.id, name="payout_line_open").where(
        SQL("problem <> '' AND explanation = ''")
    )
)


def up(migrator, db):
    """Create the tables."""
    with db.bind_ctx([Payment, Refund, Dispute, Payout, PayoutLine]):
        db.create_tables([Payout, PayoutLine])
