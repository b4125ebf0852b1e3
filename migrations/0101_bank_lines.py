"""Lines of bank statements, recorded as payments."""

from peewee import (
    SQL,
    AutoField,
    BigIntegerField,
    CharField,
    Check,
    DateField,
    DateTimeField,
    Model,
)


class BankLine(Model):
    id = AutoField()
    digest = CharField(max_length=64, unique=True)
    status = CharField(max_length=16, constraints=[SQL("DEFAULT 'open'")])
    day = DateField()
    cents = BigIntegerField()
    reference = CharField(max_length=128, constraints=[SQL("DEFAULT ''")])
    payer = CharField(max_length=255, constraints=[SQL("DEFAULT ''")])
    text = CharField(max_length=500, constraints=[SQL("DEFAULT ''")])
    number = CharField(max_length=20, constraints=[SQL("DEFAULT ''")])
    by = CharField(max_length=32)
    at = DateTimeField()

    class Meta:
        legacy_table_names = False
        table_name = "bank_line"
        constraints = [Check("status IN ('open', 'recorded', 'ignored')"), Check("cents > 0")]
        indexes = ((("status", "id"), False),)


def up(migrator, db):
    """Create the table."""
    with db.bind_ctx([BankLine]):
        db.create_tables([BankLine])
