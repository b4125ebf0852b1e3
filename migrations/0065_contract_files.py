"""The PDFs of contracts, each made once."""

from peewee import (
    AutoField,
    BlobField,
    CharField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
)


class Contract(Model):
    id = IntegerField(primary_key=True)

    class Meta:
        legacy_table_names = False
        table_name = "contract"


class ContractFile(Model):
    id = AutoField()
    contract = ForeignKeyField(Contract, backref="+")
    shop_name = CharField(max_length=255)
    content = BlobField()
    made_at = DateTimeField()

    class Meta:
        legacy_table_names = False
        table_name = "contract_file"
        indexes = ((("contract", "shop_name"), True),)


def up(migrator, db):
    """Create the table; it fills with the next downloads."""
    with db.bind_ctx([Contract, ContractFile]):
        db.create_tables([ContractFile])


def down(migrator, db):
    """Drop the table."""
    with db.bind_ctx([Contract, ContractFile]):
        db.drop_tables([ContractFile])
