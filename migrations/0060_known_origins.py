"""The networks and browsers from which a customer has signed in before."""

from peewee import (
    BigAutoField,
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
        table_name = "account"


class KnownOrigin(Model):
    id = BigAutoField()
    account = ForeignKeyField(Account, on_delete="CASCADE", backref="+")
    kind = CharField(max_length=8)
    digest = CharField(max_length=64)
    first_at = DateTimeField()
    seen_at = DateTimeField(index=True)

    class Meta:
        legacy_table_names = False
        table_name = "known_origin"
        constraints = [Check("kind IN ('network', 'browser')")]
        indexes = ((("account", "digest"), True),)


def up(migrator, db):
    """Create the table; it fills with the next sign-ins."""
    with db.bind_ctx([KnownOrigin]):
        db.create_tables([KnownOrigin])


def down(migrator, db):
    """Drop the table."""
    with db.bind_ctx([KnownOrigin]):
        db.drop_tables([KnownOrigin])
