"""Exchange services and their mailboxes, Office Attach, and cards registered without a payment."""

from peewee import (
    AutoField, BlobField, BooleanField, CharField, Check, DateTimeField, ForeignKeyField,
    IntegerField, Model, TextField,
)  # fmt: skip


def table(name):
    """A table that is there already, as far as others refer to it."""
    meta = type("Meta", (), {"legacy_table_names": False, "table_name": name})
    return type(Model)(name.title().replace("_", ""), (Model,), {"Meta": meta})


Account, Order, Seat = table("account"), table("purchase_order"), table("seat")


class ExchangeService(Model):
    id = AutoField()
    account = ForeignKeyField(Account, backref="+")
    name = CharField(max_length=64, unique=True)
    domain = CharField(max_length=253)
    created_at = DateTimeField()
    hidden_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "exchange_service"
        constraints = [Check("name <> ''"), Check("domain <> ''")]


class ExchangeAccount(Model):
    id = AutoField()
    service = ForeignKeyField(ExchangeService, backref="+", index=False)
    address = CharField(max_length=254)
    first_name = CharField(max_length=255)
    last_name = CharField(max_length=255)
    kind = CharField(max_length=16)
    size_gb = IntegerField(null=True)
    status = CharField(max_length=16)
    folded = TextField()
    by_address = BlobField()
    by_name = BlobField()

    class Meta:
        legacy_table_names = False
        table_name = "exchange_account"
        constraints = [
            Check("kind IN ('person', 'shared')"),
            Check("status IN ('active', 'gone')"),
            Check("(kind = 'shared') = (first_name = '' AND last_name = '')"),
            Check("size_gb IS NULL OR size_gb > 0"),
        ]
        indexes = (
            (("service", "address"), True),
            (("service", "by_address"), False),
            (("service", "by_name"), False),
        )


class Attach(Model):
    id = AutoField()
    service = ForeignKeyField(ExchangeService, unique=True, backref="+")
    order = ForeignKeyField(Order, unique=True, backref="+")
    licences = IntegerField()
    unit_price_cents = IntegerField()
    renewal_accepted_at = DateTimeField()

    class Meta:
        legacy_table_names = False
        table_name = "attach"
        constraints = [
            Check("licences BETWEEN 1 AND 25"),
            Check("unit_price_cents >= 0"),
        ]


class AttachedAccount(Model):
    id = AutoField()
    attach = ForeignKeyField(Attach, backref="+", index=False)
    account = ForeignKeyField(ExchangeAccount, unique=True, backref="+")
    number = IntegerField()
    first_name = CharField(max_length=255)
    last_name = CharField(max_length=255)
    login = CharField(max_length=20)
    login_key = CharField(max_length=20)
    tells_owner = BooleanField()
    seat = ForeignKeyField(Seat, null=True, unique=True, backref="+", on_delete="SET NULL")

    class Meta:
        legacy_table_names = False
        table_name = "attached_account"
        constraints = [Check("number BETWEEN 1 AND 25")]
        indexes = (
            (("attach", "number"), True),
            (("attach", "login_key"), True),
        )


class CardSetup(Model):
    id = AutoField()
    account = ForeignKeyField(Account, backref="+")
    status = CharField(max_length=16)
    key = CharField(max_length=64, unique=True)
    checkout = CharField(max_length=128, null=True, unique=True)
    checkout_url = CharField(max_length=1024)
    back_to = CharField(max_length=1024)
    typed = TextField()
    reason = CharField(max_length=64)
    created_at = DateTimeField()
    settled_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "card_setup"
        constraints = [Check("status IN ('open', 'processing', 'succeeded', 'declined', 'closed')")]


TABLES = [ExchangeService, ExchangeAccount, Attach, AttachedAccount, CardSetup]


def up(migrator, db):
    """Create the tables."""
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES)


def down(migrator, db):
    """Take them back."""
    with db.bind_ctx(TABLES):
        db.drop_tables(TABLES)
