"""Consultations of VIES, and proofs of the countries of consumers."""

from peewee import (
    SQL,
    AutoField,
    BooleanField,
    CharField,
    Check,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)


class Account(Model):
    id = IntegerField(primary_key=True)

    class Meta:
        legacy_table_names = False
        table_name = "account"


class Order(Model):
    id = IntegerField(primary_key=True)

    class Meta:
        legacy_table_names = False
        table_name = "purchase_order"


class Invoice(Model):
    id = IntegerField(primary_key=True)

    class Meta:
        legacy_table_names = False
        table_name = "invoice"


class VatCheck(Model):
    id = AutoField()
    account = ForeignKeyField(Account, backref="+", index=False)
    vat_number = CharField(max_length=20)
    answer = CharField(max_length=16)
    company = CharField(max_length=255, constraints=[SQL("DEFAULT ''")])
    name = CharField(max_length=255, constraints=[SQL("DEFAULT ''")])
    address = TextField(constraints=[SQL("DEFAULT ''")])
    consultation = CharField(max_length=64, constraints=[SQL("DEFAULT ''")])
    is_fitting = BooleanField(null=True)
    asked_at = DateTimeField()
    accepted_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "vat_check"
        constraints = [Check("answer IN ('confirmed', 'unknown')")]
        indexes = ((("account", "id"), False),)


class PlaceProof(Model):
    id = AutoField()
    account = ForeignKeyField(Account, backref="+")
    order = ForeignKeyField(Order, backref="+", null=True, index=False)
    invoice = ForeignKeyField(Invoice, backref="+", null=True, index=False)
    kind = CharField(max_length=16)
    country = CharField(max_length=2, constraints=[SQL("DEFAULT ''")])
    detail = CharField(max_length=64, constraints=[SQL("DEFAULT ''")])
    recorded_at = DateTimeField()

    class Meta:
        legacy_table_names = False
        table_name = "place_proof"
        constraints = [Check("kind IN ('address', 'network', 'card')")]
        indexes = ((("order", "kind"), True), (("invoice", "kind"), True))


def up(migrator, db):
    """Create the tables."""
    with db.bind_ctx([Account, Order, Invoice, VatCheck, PlaceProof]):
        db.create_tables([VatCheck, PlaceProof])
