"""Whose account an event is about, and notes of members of staff."""

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


class Account(Model):
    id = IntegerField(primary_key=True)

    class Meta:
        legacy_table_names = False


class CustomerNote(Model):
    id = AutoField()
    account = ForeignKeyField(Account, index=False, on_delete="CASCADE")
    by = CharField(max_length=32)
    text = TextField()
    at = DateTimeField()

    class Meta:
        legacy_table_names = False
        constraints = [Check("text <> ''")]
        indexes = ((("account", "id"), False),)


OF_ACCOUNTS = {
    "order": "purchase_order", "group": "licence_group", "letter": "letter",
    "invoice": "invoice", "export": "data_export", "card_setup": "card_setup", "card": "card",
}  # fmt: skip
OF_GROUPS = {
    "addition": "addition", "seat": "seat", "subscription": "subscription",
    "termination": "termination", "give_back": "give_back", "import": "seat_import",
}  # fmt: skip
OF_PAYMENTS = {"refund": "refund", "dispute": "dispute"}
"""The tables of the subjects of events, by what leads from a row to its account."""

PAYERS = (
    "SELECT coalesce(o.account_id, i.account_id) FROM payment p "
    "LEFT JOIN purchase_order o ON o.id = p.order_id LEFT JOIN invoice i ON i.id = p.invoice_id "
)


def up(migrator, db):
    """Create them, and say of each event whose account it is about."""
    with db.bind_ctx([Account, CustomerNote]):
        db.create_tables([CustomerNote])
    db.execute_sql("ALTER TABLE event ADD COLUMN account_id INTEGER")
    fill(db)
    db.execute_sql(
        'CREATE INDEX "event_of_account" ON "event" ("account_id", "id") '
        "WHERE account_id IS NOT NULL"
    )


def fill(db):
    """Say of each event so far whose account it is about."""
    for subject, table in OF_ACCOUNTS.items():
        assign(db, subject, f"SELECT t.account_id FROM {table} t WHERE t.id = event.subject_id")
    for subject, table in OF_GROUPS.items():
        groups = f"SELECT g.account_id FROM {table} t JOIN licence_group g ON g.id = t.group_id"
        assign(db, subject, f"{groups} WHERE t.id = event.subject_id")
    assign(db, "payment", f"{PAYERS} WHERE p.id = event.subject_id")
    for subject, table in OF_PAYMENTS.items():
        of_payment = f"JOIN {table} t ON t.payment_id = p.id WHERE t.id = event.subject_id"
        assign(db, subject, f"{PAYERS} {of_payment}")


def assign(db, subject, account):
    """Have the events about one kind of row name the account that a query finds."""
    db.execute_sql(f"UPDATE event SET account_id = ({account}) WHERE subject = '{subject}'")


def down(migrator, db):
    """Take them back."""
    db.execute_sql('DROP INDEX "event_of_account"')
    db.execute_sql("ALTER TABLE event DROP COLUMN account_id")
    with db.bind_ctx([Account, CustomerNote]):
        db.drop_tables([CustomerNote])
