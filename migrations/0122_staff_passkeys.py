"""Passkeys of members of staff, sign-ins that await their second factor, since when codes count."""

from peewee import (
    AutoField,
    BigIntegerField,
    CharField,
    Check,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
    SqliteDatabase,
    TextField,
)


class StaffAccount(Model):
    id = IntegerField(primary_key=True)

    class Meta:
        legacy_table_names = False


class StaffSignIn(Model):
    id = AutoField()
    token_digest = CharField(max_length=64, unique=True)
    staff = ForeignKeyField(StaffAccount, on_delete="CASCADE")
    expires_at = DateTimeField(index=True)

    class Meta:
        legacy_table_names = False


class StaffPasskey(Model):
    id = AutoField()
    staff = ForeignKeyField(StaffAccount, on_delete="CASCADE")
    credential_id = CharField(max_length=1400, unique=True)
    user_handle = CharField(max_length=64)
    public_key = TextField()
    sign_count = BigIntegerField()
    name = CharField(max_length=64)
    created_at = DateTimeField()
    used_at = DateTimeField(null=True)

    class Meta:
        legacy_table_names = False
        constraints = [Check("sign_count >= 0"), Check("name <> ''")]


TABLES = [StaffSignIn, StaffPasskey]


def up(migrator, db):
    """Create the tables, and add the column: whoever has set up an account has an application."""
    with db.bind_ctx([StaffAccount, *TABLES]):
        db.create_tables(TABLES)
    moment = "DATETIME" if isinstance(db, SqliteDatabase) else "TIMESTAMP"
    db.execute_sql(
        f"ALTER TABLE staff_account ADD COLUMN authenticator_at {moment} "
        "CHECK (authenticator_at IS NULL OR secret <> '')"
    )
    db.execute_sql(
        "UPDATE staff_account SET authenticator_at = COALESCE("
        "(SELECT MAX(i.used_at) FROM staff_invitation i WHERE i.staff_id = staff_account.id), "
        "created_at) WHERE password_hash <> ''"
    )


def down(migrator, db):
    """Take them back; who has a passkey alone needs a new invitation then."""
    db.execute_sql(
        "UPDATE staff_account SET password_hash = '', last_step = 0 WHERE authenticator_at IS NULL"
    )
    db.execute_sql("ALTER TABLE staff_account DROP COLUMN authenticator_at")
    with db.bind_ctx([StaffAccount, *TABLES]):
        db.drop_tables(TABLES)
