"""What was changed of the offers: by whom, why, and what was there before."""

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


class Offer(Model):
    code = CharField(max_length=16, primary_key=True)

    class Meta:
        legacy_table_names = False


class OfferChange(Model):
    id = AutoField()
    offer = ForeignKeyField(Offer)
    version = IntegerField()
    kind = CharField(max_length=16)
    before = TextField()
    after = TextField()
    by = CharField(max_length=32)
    reason = CharField(max_length=255)
    at = DateTimeField()

    class Meta:
        legacy_table_names = False
        constraints = [Check("kind IN ('added', 'details', 'sale', 'undone')")]
        indexes = ((("offer", "version"), True),)


def up(migrator, db):
    """Create the table; of what was before there is no record."""
    with db.bind_ctx([Offer, OfferChange]):
        db.create_tables([OfferChange])


def down(migrator, db):
    """Drop it."""
    with db.bind_ctx([Offer, OfferChange]):
        db.drop_tables([OfferChange])
