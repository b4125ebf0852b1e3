"""How many attempts to send an e-mail ended without the mail server's answer."""


def up(migrator, db):
    """Add the column; of e-mails sent before it is not known, and assumed that there was none."""
    db.execute_sql("ALTER TABLE letter ADD COLUMN unconfirmed INTEGER NOT NULL DEFAULT 0")


def down(migrator, db):
    """Drop the column."""
    db.execute_sql("ALTER TABLE letter DROP COLUMN unconfirmed")
