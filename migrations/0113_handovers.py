"""Passwords of licences that reach their holders by a one-time link."""

from peewee import (
    AutoField,
    CharField,
    Check,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)


class Seat(Model):
    id = AutoField()

    class Meta:
        legacy_table_names = False


class Handover(Model):
    id = AutoField()
    seat = ForeignKeyField(Seat, backref="+", on_delete="CASCADE", index=False)
    version = IntegerField()
    recipient = CharField(max_length=254)
    token_digest = CharField(max_length=64, null=True, unique=True)
    secret = TextField()
    sends = IntegerField()
    asked_at = DateTimeField()
    sent_at = DateTimeField(null=True)
    expires_at = DateTimeField(null=True)
    read_at = DateTimeField(null=True)
    ended_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        constraints = [
            Check("sends >= 0"),
            Check("read_at IS NULL OR secret = ''"),
            Check("ended_at IS NULL OR secret = ''"),
        ]
        indexes = (
            (("seat", "version"), True),
            (("expires_at",), False),
            (("ended_at",), False),
        )


def up(migrator, db):
    """Create the table."""
    with db.bind_ctx([Seat, Handover], bind_refs=False, bind_backrefs=False):
        db.create_tables([Handover], safe=False)


def down(migrator, db):
    """Drop it: the passwords that were not read are lost."""
    with db.bind_ctx([Seat, Handover], bind_refs=False, bind_backrefs=False):
        db.drop_tables([Handover])
