"""The version of the catalogue, which changes with every offer, price and contract."""

from peewee import CharField, Check, IntegerField, Model, PostgresqlDatabase

WATCHED = ("offer", "price", "contract")
ACTS = ("INSERT", "UPDATE", "DELETE")

TOKEN = {True: "gen_random_uuid()::text", False: "lower(hex(randomblob(16)))"}
"""A random text in the SQL of PostgreSQL and of SQLite."""


class CatalogueVersion(Model):
    id = IntegerField(primary_key=True)
    token = CharField(max_length=36)

    class Meta:
        legacy_table_names = False
        table_name = "catalogue_version"
        constraints = [Check("id = 1")]


def up(migrator, db):
    """Create the version, and have the database change it, whoever writes."""
    token = TOKEN[isinstance(db, PostgresqlDatabase)]
    with db.bind_ctx([CatalogueVersion]):
        db.create_tables([CatalogueVersion])
    db.execute_sql(f"INSERT INTO catalogue_version (id, token) VALUES (1, {token})")
    change = f"UPDATE catalogue_version SET token = {token};"
    if isinstance(db, PostgresqlDatabase):
        db.execute_sql(
            "CREATE FUNCTION catalogue_changed() RETURNS trigger AS $$ "
            f"BEGIN {change} RETURN NULL; END $$ LANGUAGE plpgsql"
        )
        then = "FOR EACH ROW EXECUTE FUNCTION catalogue_changed()"
    else:
        then = f"BEGIN {change} END"
    for table in WATCHED:
        for act in ACTS:
            name = f"{table}_{act.lower()}_changes_the_catalogue"
            db.execute_sql(f"CREATE TRIGGER {name} AFTER {act} ON {table} {then}")


def down(migrator, db):
    """Take it back."""
    for table in WATCHED:
        for act in ACTS:
            on_table = f" ON {table}" if isinstance(db, PostgresqlDatabase) else ""
            name = f"{table}_{act.lower()}_changes_the_catalogue"
            db.execute_sql(f"DROP TRIGGER {name}{on_table}")
    if isinstance(db, PostgresqlDatabase):
        db.execute_sql("DROP FUNCTION catalogue_changed()")
    with db.bind_ctx([CatalogueVersion]):
        db.drop_tables([CatalogueVersion])
