"""What the desk's pages read: licences left, who saw the customer area as a customer, indexes."""

from peewee import (
    AutoField,
    CharField,
    Check,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
)


class Account(Model):
    id = IntegerField(primary_key=True)

    class Meta:
        legacy_table_names = False


class Viewing(Model):
    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    account = ForeignKeyField(Account, on_delete="CASCADE")
    by = CharField(max_length=32)
    reason = CharField(max_length=255)
    created_at = DateTimeField()
    expires_at = DateTimeField()
    ended_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        constraints = [Check("reason <> ''")]


class LicenceStock(Model):
    product = CharField(max_length=64, primary_key=True)
    left = IntegerField(column_name="licences_left")
    seen_at = DateTimeField()

    class Meta:
        legacy_table_names = False


TABLES = [Viewing, LicenceStock]

INDEXES = {
    "licence_group_of_account": "licence_group (account_id, id)",
    "invoice_of_account": "invoice (account_id, id)",
    "invoice_owed": "invoice (account_id) WHERE kind = 'invoice' AND status IN ('due', 'unpaid')",
}


def up(migrator, db):
    """Create them."""
    with db.bind_ctx([Account, *TABLES]):
        db.create_tables(TABLES)
    for name, columns in INDEXES.items():
        db.execute_sql(f"CREATE INDEX {name} ON {columns}")


def down(migrator, db):
    """Take them back."""
    for name in INDEXES:
        db.execute_sql(f"DROP INDEX {name}")
    with db.bind_ctx([Account, *TABLES]):
        db.drop_tables(TABLES)
