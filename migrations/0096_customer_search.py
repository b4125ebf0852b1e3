"""What members of staff find customers by, and refunds by the bank's reference."""

import re
import unicodedata

from peewee import BlobField, CharField, CompositeKey, ForeignKeyField, IntegerField, Model

BATCH = 500
LONGEST = 64
MOST_WORDS = 6


class Account(Model):
    id = IntegerField(primary_key=True)
    nic_handle = CharField(max_length=20)
    email = CharField(max_length=254)
    first_name = CharField(max_length=255)
    last_name = CharField(max_length=255)
    company = CharField(max_length=255)
    siren = CharField(max_length=9)
    vat_number = CharField(max_length=20)

    class Meta:
        legacy_table_names = False


class AccountKey(Model):
    key = BlobField()
    account = ForeignKeyField(Account, on_delete="CASCADE")

    class Meta:
        legacy_table_names = False
        primary_key = CompositeKey("key", "account")


def up(migrator, db):
    """Create the keys, and write those of every customer."""
    with db.bind_ctx([Account, AccountKey]):
        db.create_tables([AccountKey])
        fill()
    db.execute_sql(
        'CREATE INDEX "refund_by_reference" ON "refund" ("reference") WHERE reference IS NOT NULL'
    )


def fill():
    """Write the keys of all customers, a few of them at a time."""
    last = -1
    query = Account.select().order_by(Account.id).limit(BATCH)
    while rows := list(query.where(Account.id > last)):
        keys = [{"key": key, "account": row.id} for row in rows for key in keys_of(row)]
        for start in range(0, len(keys), BATCH):
            AccountKey.insert_many(keys[start : start + BATCH]).execute()
        last = rows[-1].id


def keys_of(row):
    """As `shop.customers.search_keys.keys_of` did it when this was written."""
    local, at, domain = row.email.rpartition("@")
    texts = [
        *endings(f"{row.first_name} {row.last_name}"),
        *endings(f"{row.last_name} {row.first_name}"),
        *endings(row.company),
        *(f"{ending}@{fold(domain)}" for ending in endings(local)),
        fold(domain),
        fold(row.nic_handle),
        row.siren,
        fold(row.vat_number),
    ]
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
    """Take them back."""
    db.execute_sql('DROP INDEX "refund_by_reference"')
    with db.bind_ctx([Account, AccountKey]):
        db.drop_tables([AccountKey])
