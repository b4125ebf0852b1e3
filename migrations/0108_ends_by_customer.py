"""What ends of a customer's services, found by the customer."""

from peewee import PostgresqlDatabase

TABLES = ("termination", "give_back")

OWNER = "(SELECT account_id FROM licence_group WHERE licence_group.id = {row}.group_id)"


def up(migrator, db):
    """Let terminations and licences given back name the customer."""
    for table in TABLES:
        db.execute_sql(
            f'ALTER TABLE "{table}" ADD COLUMN "account_id" INTEGER REFERENCES "account" ("id")'
        )
        db.execute_sql(f"UPDATE {table} SET account_id = {OWNER.format(row=table)}")
        db.execute_sql(
            f'CREATE INDEX "{table}_account_id_status_ends_on" '
            f'ON "{table}" ("account_id", "status", "ends_on")'
        )
        name_the_customer(db, table)


def name_the_customer(db, table):
    """Have the database write whose it is, whichever release inserts it."""
    name = f"{table}_names_account"
    if isinstance(db, PostgresqlDatabase):
        db.execute_sql(
            f"CREATE FUNCTION {name}() RETURNS trigger AS $$ "
            f"BEGIN NEW.account_id := {OWNER.format(row='NEW')}; RETURN NEW; END "
            "$$ LANGUAGE plpgsql"
        )
        db.execute_sql(
            f"CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
        )
    else:
        db.execute_sql(
            f"CREATE TRIGGER {name} AFTER INSERT ON {table} BEGIN "
            f"UPDATE {table} SET account_id = {OWNER.format(row='NEW')} WHERE id = NEW.id; END"
        )


def down(migrator, db):
    """Take it back."""
    for table in TABLES:
        name = f"{table}_names_account"
        db.execute_sql(f"DROP TRIGGER {name}{' ON ' + table if isinstance(db, PostgresqlDatabase) else ''}")
        if isinstance(db, PostgresqlDatabase):
            db.execute_sql(f"DROP FUNCTION {name}()")
        db.execute_sql(f'DROP INDEX "{table}_account_id_status_ends_on"')
        db.execute_sql(f'ALTER TABLE "{table}" DROP COLUMN "account_id"')
