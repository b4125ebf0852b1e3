"""Characters that papers could not show."""

from peewee import AutoField, CharField, DateTimeField, Model


class MissingGlyph(Model):
    id = AutoField()
    character = CharField(max_length=1, unique=True)
    paper = CharField(max_length=255)
    found_at = DateTimeField()

    class Meta:
        legacy_table_names = False
        table_name = "missing_glyph"


def up(migrator, db):
    """Create the table."""
    with db.bind_ctx([MissingGlyph]):
        db.create_tables([MissingGlyph])


def down(migrator, db):
    """Drop the table."""
    with db.bind_ctx([MissingGlyph]):
        db.drop_tables([MissingGlyph])
