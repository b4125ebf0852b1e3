"""Members of staff, their sessions, invitations and acts."""

from peewee import (
    AutoField,
    BigAutoField,
    BigIntegerField,
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


class StaffAccount(Model):
    id = AutoField()
    login = CharField(max_length=26, unique=True)
    email = CharField(max_length=254, unique=True)
    role = CharField(max_length=16)
    language = CharField(max_length=2)
    password_hash = CharField(max_length=255)
    secret = TextField()
    last_step = BigIntegerField()
    created_at = DateTimeField()
    disabled_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        constraints = [
            Check("role IN ('support', 'billing', 'administrator', 'auditor')"),
            Check("language IN ('fr', 'en')"),
            Check("login <> ''"),
            Check("last_step >= 0"),
        ]


class StaffSession(Model):
    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    staff = ForeignKeyField(StaffAccount, on_delete="CASCADE")
    created_at = DateTimeField()
    seen_at = DateTimeField()
    expires_at = DateTimeField(index=True)
    ended_at = DateTimeField(null=True)
    address = CharField(max_length=45)
    browser = CharField(max_length=255)

    class Meta:
        legacy_table_names = False


class StaffInvitation(Model):
    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    staff = ForeignKeyField(StaffAccount, on_delete="CASCADE")
    created_at = DateTimeField()
    expires_at = DateTimeField()
    used_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False


class StaffAct(Model):
    id = BigAutoField()
    key = CharField(max_length=64, unique=True)
    by = CharField(max_length=32, index=True)
    kind = CharField(max_length=48)
    account = ForeignKeyField(Account, null=True, on_delete="CASCADE")
    subject = CharField(max_length=64)
    reason = CharField(max_length=255)
    at = DateTimeField()

    class Meta:
        legacy_table_names = False
        constraints = [Check("reason <> ''"), Check("kind <> ''")]


TABLES = [StaffAccount, StaffSession, StaffInvitation, StaffAct]


def up(migrator, db):
    """Create the tables."""
    with db.bind_ctx([Account, *TABLES]):
        db.create_tables(TABLES)


def down(migrator, db):
    """Drop them again."""
    with db.bind_ctx([Account, *TABLES]):
        db.drop_tables(TABLES)
