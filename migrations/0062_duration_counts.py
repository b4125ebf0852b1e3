"""Counts of the durations of requests and jobs."""

from peewee import BigIntegerField, CharField, CompositeKey, FloatField, Model


class DurationCount(Model):
    what = CharField(max_length=16)
    label = CharField(max_length=160)
    bound = CharField(max_length=8)
    count = BigIntegerField()
    seconds = FloatField()

    class Meta:
        legacy_table_names = False
        table_name = "duration_count"
        primary_key = CompositeKey("what", "label", "bound")


def up(migrator, db):
    """Create the table."""
    with db.bind_ctx([DurationCount]):
        db.create_tables([DurationCount])


def down(migrator, db):
    """Drop the table."""
    with db.bind_ctx([DurationCount]):
        db.drop_tables([DurationCount])
