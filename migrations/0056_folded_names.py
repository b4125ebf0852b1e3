"""What letters and licence groups are found by: without case, accents and punctuation."""

import re
import unicodedata

from peewee import CharField, IntegerField, Model, TextField

BATCH = 500


class Letter(Model):
    id = IntegerField(primary_key=True)
    subject = CharField(max_length=255)
    folded = TextField()

    class Meta:
        legacy_table_names = False


class LicenceGroup(Model):
    id = IntegerField(primary_key=True)
    name = CharField(max_length=64)
    display_name = CharField(max_length=255)
    folded = TextField()

    class Meta:
        legacy_table_names = False


def fold(text):
    """As `shop.text.folding.fold` did it when this was written."""
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
    words = "".join(c if c.isalnum() or c == "@" else " " for c in plain)
    return re.sub(r" ?@ ?", "@", " ".join(words.split()))


def up(migrator, db):
    """Add the columns and fill them."""
    for table in ("letter", "licence_group"):
        db.execute_sql(f"ALTER TABLE {table} ADD COLUMN folded TEXT NOT NULL DEFAULT ''")
    with db.bind_ctx([Letter, LicenceGroup]):
        fill(Letter, [Letter.subject])
        fill(LicenceGroup, [LicenceGroup.display_name, LicenceGroup.name])


def fill(table, named_by):
    """Fold what the rows of a table are called, a few of them at a time."""
    last = -1
    query = table.select(table.id, *named_by).order_by(table.id).limit(BATCH)
    while rows := list(query.where(table.id > last).tuples()):
        for row_id, *names in rows:
            table.update(folded=fold(" ".join(names))).where(table.id == row_id).execute()
        last = rows[-1][0]


def down(migrator, db):
    """Take them back."""
    for table in ("letter", "licence_group"):
        db.execute_sql(f"ALTER TABLE {table} DROP COLUMN folded")
