"""Whose mailbox a letter goes to, where it is not the customer's."""


def up(migrator, db):
    """Add the name; of letters written before nobody knows it."""
    db.execute_sql("ALTER TABLE letter ADD COLUMN addressee VARCHAR(512) NOT NULL DEFAULT ''")


def down(migrator, db):
    """Take it back."""
    db.execute_sql("ALTER TABLE letter DROP COLUMN addressee")
