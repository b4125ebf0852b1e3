"""What an offer says and when it is on sale; the two offers there are stay as the code had them."""

from peewee import PostgresqlDatabase

COLUMNS = (
    ("name_fr", "VARCHAR(64)", "NOT NULL DEFAULT ''"),
    ("applications", "TEXT", "NOT NULL DEFAULT ''"),
    ("product", "VARCHAR(16)", "CHECK (product IN ('business', 'pro_plus'))"),
    ("position", "INTEGER", "NOT NULL DEFAULT 0"),
    ("version", "INTEGER", "NOT NULL DEFAULT 1"),
    ("on_sale_from", "DATE", ""),
    ("on_sale_until", "DATE", "CHECK (on_sale_until IS NULL OR on_sale_from <= on_sale_until)"),
)

OFFERS = (
    ("business", "Excel, Word, PowerPoint, Outlook, OneNote, Publisher", 1),
    ("pro_plus", "Excel, Word, PowerPoint, Outlook, Access, Power BI", 2),
)

FIRST_DAY = "2017-01-01"


def up(migrator, db):
    """Add the columns; all that the previous release does not write have a default."""
    mark = "%s" if isinstance(db, PostgresqlDatabase) else "?"
    for name, kind, rule in COLUMNS:
        db.execute_sql(f'ALTER TABLE "offer" ADD COLUMN "{name}" {kind} {rule}')
    for code, applications, position in OFFERS:
        db.execute_sql(
            f'UPDATE "offer" SET "applications" = {mark}, "product" = {mark}, '
            f'"position" = {mark}, "on_sale_from" = {mark} WHERE "code" = {mark}',
            (applications, code, position, FIRST_DAY, code),
        )


def down(migrator, db):
    """Drop them."""
    for name, _, _ in reversed(COLUMNS):
        db.execute_sql(f'ALTER TABLE "offer" DROP COLUMN "{name}"')
