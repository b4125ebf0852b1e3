"""When a customer proved that their e-mail address is theirs; sent e-mails by recipient."""

from peewee import SqliteDatabase


def up(migrator, db):
    """Add the column; addresses of existing accounts have received their e-mails until now."""
    moment = "DATETIME" if isinstance(db, SqliteDatabase) else "TIMESTAMP"
    db.execute_sql(f"ALTER TABLE account ADD COLUMN email_proved_at {moment}")
    db.execute_sql("UPDATE account SET email_proved_at = created_at")
    db.execute_sql("CREATE INDEX letter_recipient_sent_at ON letter (recipient, sent_at)")


def down(migrator, db):
    """Drop them."""
    db.execute_sql("DROP INDEX letter_recipient_sent_at")
    db.execute_sql("ALTER TABLE account DROP COLUMN email_proved_at")
