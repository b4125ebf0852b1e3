"""E-mails to members of staff about their accounts at the desk."""

from peewee import (
    AutoField,
    BooleanField,
    CharField,
    Check,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)


class StaffAccount(Model):
    id = AutoField()

    class Meta:
        legacy_table_names = False


class StaffLetter(Model):
    id = AutoField()
    kind = CharField(max_length=32)
    key = CharField(max_length=128, unique=True)
    language = CharField(max_length=2)
    recipient = CharField(max_length=254)
    subject = CharField(max_length=255)
    text = TextField()
    html = TextField()
    is_secret = BooleanField()
    status = CharField(max_length=16)
    error = CharField(max_length=255)
    unconfirmed = IntegerField()
    created_at = DateTimeField()
    sent_at = DateTimeField(null=True)
    emptied_at = DateTimeField(null=True)
    staff = ForeignKeyField(StaffAccount, on_delete="CASCADE")

    class Meta:
        legacy_table_names = False
        constraints = [
            Check("status IN ('queued', 'stored', 'sent', 'failed')"),
            Check("language IN ('fr', 'en')"),
        ]
        indexes = ((("staff", "id"), False),)


def up(migrator, db):
    """Create the table, and the index of the e-mails that hold a secret."""
    with db.bind_ctx([StaffAccount, StaffLetter]):
        db.create_tables([StaffLetter])
    db.execute_sql(
        'CREATE INDEX "staff_letter_secret" ON "staff_letter" ("created_at") WHERE is_secret'
    )


def down(migrator, db):
    """Take it back."""
    with db.bind_ctx([StaffAccount, StaffLetter]):
        db.drop_tables([StaffLetter])
