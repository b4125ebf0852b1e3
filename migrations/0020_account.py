"""The account's security: second factors, what happened, downloads; sessions that were confirmed."""

from peewee import (
    SQL, AutoField, BigAutoField, BigIntegerField, BlobField, CharField, Check, DateTimeField,
    ForeignKeyField, IntegerField, Model, SqliteDatabase, TextField,
)  # fmt: skip


class Account(Model):
    id = AutoField()

    class Meta:
        legacy_table_names = False
        table_name = "account"


class Authenticator(Model):
    id = AutoField()
    account = ForeignKeyField(Account, unique=True, on_delete="CASCADE", backref="+")
    secret = TextField()
    last_step = BigIntegerField()
    created_at = DateTimeField()
    confirmed_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "authenticator"
        constraints = [Check("last_step >= 0")]


class RecoveryCode(Model):
    id = AutoField()
    account = ForeignKeyField(Account, on_delete="CASCADE", backref="+")
    code_digest = CharField(max_length=64)
    created_at = DateTimeField()
    used_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "recovery_code"
        indexes = ((("account", "code_digest"), True),)


class Passkey(Model):
    id = AutoField()
    account = ForeignKeyField(Account, on_delete="CASCADE", backref="+")
    credential_id = CharField(max_length=1400, unique=True)
    user_handle = CharField(max_length=64)
    public_key = TextField()
    sign_count = BigIntegerField()
    name = CharField(max_length=64)
    created_at = DateTimeField()
    used_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "passkey"
        constraints = [Check("sign_count >= 0"), Check("name <> ''")]


class Challenge(Model):
    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    expires_at = DateTimeField(index=True)

    class Meta:
        legacy_table_names = False
        table_name = "challenge"


class AccountEvent(Model):
    id = BigAutoField()
    account = ForeignKeyField(Account, null=True, on_delete="CASCADE", backref="+")
    kind = CharField(max_length=48)
    note = CharField(max_length=255)
    address = CharField(max_length=45)
    browser = CharField(max_length=255)
    at = DateTimeField(index=True)

    class Meta:
        legacy_table_names = False
        table_name = "account_event"
        constraints = [Check("kind <> ''")]
        indexes = ((("account", "id"), False),)


class DataExport(Model):
    id = AutoField()
    account = ForeignKeyField(Account, on_delete="CASCADE", backref="+")
    status = CharField(max_length=16)
    size = BigIntegerField()
    requested_at = DateTimeField()
    ready_at = DateTimeField(null=True)
    expires_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        table_name = "data_export"
        constraints = [
            Check("status IN ('requested', 'ready', 'failed', 'expired')"),
            Check("size >= 0"),
            Check("(status IN ('ready', 'expired')) = (ready_at IS NOT NULL)"),
            Check("(ready_at IS NULL) = (expires_at IS NULL)"),
        ]
        indexes = ((("status", "expires_at"), False),)


DataExport.add_index(
    DataExport.index(DataExport.account, unique=True, name="data_export_one_requested").where(
        SQL("status = 'requested'")
    )
)


class DataExportPart(Model):
    id = BigAutoField()
    export = ForeignKeyField(DataExport, on_delete="CASCADE", backref="+")
    number = IntegerField()
    content = BlobField()

    class Meta:
        legacy_table_names = False
        table_name = "data_export_part"
        constraints = [Check("number >= 0")]
        indexes = ((("export", "number"), True),)


TABLES = [
    Authenticator, RecoveryCode, Passkey, Challenge, AccountEvent, DataExport, DataExportPart,
]  # fmt: skip


def up(migrator, db):
    """Create the tables; let a session remember when its customer was last asked."""
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES)
    db.execute_sql(f"ALTER TABLE session ADD COLUMN confirmed_at {_moment(db)}")


def down(migrator, db):
    """Take them back."""
    db.execute_sql("ALTER TABLE session DROP COLUMN confirmed_at")
    with db.bind_ctx(TABLES):
        db.drop_tables(TABLES)


def _moment(db):
    """How this database calls a column of moments."""
    return "DATETIME" if isinstance(db, SqliteDatabase) else "TIMESTAMP"
