"""What the use of a link confirms stands in its row, no longer in its token."""


def up(migrator, db):
    """Add the column; links sent before have none, and those for a new address end."""
    db.execute_sql("ALTER TABLE one_time_link ADD COLUMN payload VARCHAR(255) NOT NULL DEFAULT ''")


def down(migrator, db):
    """Take it back."""
    db.execute_sql("ALTER TABLE one_time_link DROP COLUMN payload")
