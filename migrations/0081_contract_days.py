"""The day from which a version of a contract applies, and to whom it was announced."""

from peewee import (
    AutoField,
    CharField,
    Check,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
)


class Account(Model):
    id = IntegerField(primary_key=True)

    class Meta:
        legacy_table_names = False
        table_name = "account"


class ContractAnnouncement(Model):
    id = AutoField()
    account = ForeignKeyField(Account, backref="+", index=False)
    kind = CharField(max_length=32)
    version = IntegerField()
    applies_on = DateField()
    announced_at = DateTimeField()

    class Meta:
        legacy_table_names = False
        table_name = "contract_announcement"
        constraints = [Check("version > 0")]
        indexes = ((("account", "kind", "version"), True),)


def up(migrator, db):
    """Add the column, empty for versions that applied from their publication on, and the table."""
    db.execute_sql("ALTER TABLE contract ADD COLUMN applies_on DATE")
    with db.bind_ctx([Account, ContractAnnouncement]):
        db.create_tables([ContractAnnouncement])
