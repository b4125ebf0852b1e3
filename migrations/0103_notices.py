"""Announcements to visitors and customers; each changes the version of the catalogue."""

from peewee import (
    AutoField,
    BooleanField,
    CharField,
    Check,
    DateTimeField,
    Model,
    PostgresqlDatabase,
)

ACTS = ("INSERT", "UPDATE", "DELETE")


class Notice(Model):
    id = AutoField()
    kind = CharField(max_length=16)
    text_fr = CharField(max_length=500)
    text_en = CharField(max_length=500)
    starts_at = DateTimeField(index=True)
    ends_at = DateTimeField(index=True)
    by_email = BooleanField()
    created_at = DateTimeField()
    created_by = CharField(max_length=32)
    taken_back_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        constraints = [
            Check("kind IN ('info', 'warning')"),
            Check("text_fr <> '' AND text_en <> ''"),
            Check("starts_at < ends_at"),
        ]


def up(migrator, db):
    """Create the table, and have the database change the version with it, as 0085 does."""
    with db.bind_ctx([Notice]):
        db.create_tables([Notice])
    if isinstance(db, PostgresqlDatabase):
        then = "FOR EACH ROW EXECUTE FUNCTION catalogue_changed()"
    else:
        then = "BEGIN UPDATE catalogue_version SET token = lower(hex(randomblob(16))); END"
    for act in ACTS:
        name = f"notice_{act.lower()}_changes_the_catalogue"
        db.execute_sql(f"CREATE TRIGGER {name} AFTER {act} ON notice {then}")


def down(migrator, db):
    """Take it back."""
    with db.bind_ctx([Notice]):
        db.drop_tables([Notice])
