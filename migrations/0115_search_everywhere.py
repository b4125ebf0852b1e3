"""What a customer searches everything of theirs by."""

import re
import unicodedata

from peewee import (
    BlobField,
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    Model,
    PostgresqlDatabase,
)

BATCH = 500
LONGEST = 64
MOST_WORDS = 6

OWNER = "(SELECT account_id FROM licence_group WHERE licence_group.id = {row}.group_id)"


class Account(Model):
    id = IntegerField(primary_key=True)

    class Meta:
        legacy_table_names = False


class LicenceGroup(Model):
    id = IntegerField(primary_key=True)
    account = ForeignKeyField(Account)
    name = CharField(max_length=64)
    domain = CharField(max_length=128)
    display_name = CharField(max_length=255)

    class Meta:
        legacy_table_names = False


class GroupKey(Model):
    account = ForeignKeyField(Account, index=False)
    key = BlobField()
    group = ForeignKeyField(LicenceGroup, on_delete="CASCADE")

    class Meta:
        legacy_table_names = False
        primary_key = CompositeKey("account", "key", "group")


INDEXES = (
    'CREATE INDEX "seat_key_of_account" ON "seat_key" ("account_id", "key", "seat_id") '
    "WHERE account_id IS NOT NULL",
    'CREATE INDEX "purchase_order_account_id_number" ON "purchase_order" ("account_id", "number")',
    'CREATE INDEX "invoice_account_id_number" ON "invoice" ("account_id", "number")',
)


def up(migrator, db):
    """Create the keys of groups, and let those of licences in use name the customer."""
    with db.bind_ctx([Account, LicenceGroup, GroupKey]):
        db.create_tables([GroupKey])
        fill()
    db.execute_sql(
        'ALTER TABLE "seat_key" ADD COLUMN "account_id" INTEGER REFERENCES "account" ("id")'
    )
    db.execute_sql(
        f"UPDATE seat_key SET account_id = {OWNER.format(row='seat_key')} "
        "WHERE status <> 'unconfigured'"
    )
    for index in INDEXES:
        db.execute_sql(index)
    name_the_customer(db)


def name_the_customer(db):
    """Have the database write whose licence in use a key finds, whoever writes the key."""
    if isinstance(db, PostgresqlDatabase):
        db.execute_sql(
            "CREATE FUNCTION seat_key_names_account() RETURNS trigger AS $$ "
            f"BEGIN NEW.account_id := {OWNER.format(row='NEW')}; RETURN NEW; END "
            "$$ LANGUAGE plpgsql"
        )
        db.execute_sql(
            "CREATE TRIGGER seat_key_names_account BEFORE INSERT ON seat_key FOR EACH ROW "
            "WHEN (NEW.status <> 'unconfigured') EXECUTE FUNCTION seat_key_names_account()"
        )
    else:
        db.execute_sql(
            "CREATE TRIGGER seat_key_names_account AFTER INSERT ON seat_key "
            "WHEN NEW.status <> 'unconfigured' BEGIN "
            f"UPDATE seat_key SET account_id = {OWNER.format(row='NEW')} "
            'WHERE group_id = NEW.group_id AND "key" = NEW."key" AND seat_id = NEW.seat_id; END'
        )


def fill():
    """Write the keys of all groups, a few of them at a time."""
    last = -1
    query = LicenceGroup.select().order_by(LicenceGroup.id).limit(BATCH)
    while rows := list(query.where(LicenceGroup.id > last)):
        keys = [
            {"account": row.account_id, "key": key, "group": row.id}
            for row in rows
            for key in keys_of(row)
        ]
        for start in range(0, len(keys), BATCH):
            GroupKey.insert_many(keys[start : start + BATCH]).execute()
        last = rows[-1].id


def keys_of(row):
    """As `shop.licences.group_keys.keys_of` did it when this was written."""
    texts = [*endings(row.display_name), *endings(row.name), fold(row.domain)]
    found = {text.encode()[:LONGEST] for text in texts if text}
    return {key for key in found if not any(o != key and o.startswith(key) for o in found)}


def endings(text):
    """Return what is left of a text from each of its words on."""
    words = fold(text).split(" ")
    return [" ".join(words[start:]) for start in range(min(len(words), MOST_WORDS))]


def fold(text):
    """As `shop.text.folding.fold` did it when this was written."""
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
    words = "".join(c if c.isalnum() or c == "@" else " " for c in plain)
    return re.sub(r" ?@ ?", "@", " ".join(words.split()))


def down(migrator, db):
    """Take it back."""
    on_table = " ON seat_key" if isinstance(db, PostgresqlDatabase) else ""
    db.execute_sql(f"DROP TRIGGER seat_key_names_account{on_table}")
    if isinstance(db, PostgresqlDatabase):
        db.execute_sql("DROP FUNCTION seat_key_names_account()")
    for name in ("seat_key_of_account", "purchase_order_account_id_number",
                 "invoice_account_id_number"):  # fmt: skip
        db.execute_sql(f'DROP INDEX "{name}"')
    db.execute_sql('ALTER TABLE "seat_key" DROP COLUMN "account_id"')
    with db.bind_ctx([Account, LicenceGroup, GroupKey]):
        db.drop_tables([GroupKey])
