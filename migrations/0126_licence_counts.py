"""How many licences a customer's running groups have, kept by the database with every change."""

from peewee import CompositeKey, IntegerField, Model, PostgresqlDatabase

USED = ("seats_activating", "seats_active", "seats_updating")
FIGURES = {
    "total": (*USED, "seats_unconfigured", "seats_error", "seats_releasing"),
    "used": USED,
    "free": ("seats_unconfigured",),
    "in_error": ("seats_error",),
}
COUNTED = "status, " + ", ".join(FIGURES["total"])

COLUMNS = ", ".join(FIGURES)
ADDED = "ON CONFLICT (account_id, part) DO UPDATE SET " + ", ".join(
    f"{name} = licence_count.{name} + excluded.{name}" for name in FIGURES
)


class LicenceCount(Model):
    account_id = IntegerField()
    part = IntegerField()
    total = IntegerField()
    used = IntegerField()
    free = IntegerField()
    in_error = IntegerField()

    class Meta:
        legacy_table_names = False
        primary_key = CompositeKey("account_id", "part")


LicenceCount.add_index(
    LicenceCount.index(LicenceCount.account_id, name="licence_count_parts").where(
        LicenceCount.part != 0
    )
)


def up(migrator, db):
    """Create the table, let a trigger keep it, and count what there is.

    On PostgreSQL, creating the trigger lets no group change until the migration ends.
    """
    with db.bind_ctx([LicenceCount]):
        db.create_tables([LicenceCount], safe=False)
    create_triggers(db)
    fill(db)


def create_triggers(db):
    """Have the database count, whichever release changes a group; a new one has no licence."""
    is_postgresql = isinstance(db, PostgresqlDatabase)
    when = " OR ".join(f"{change} <> 0" for change in _changes())
    head = (
        f"CREATE TRIGGER licence_group_counted AFTER UPDATE OF {COUNTED} ON licence_group "
        f"FOR EACH ROW WHEN ({when})"
    )
    if is_postgresql:
        db.execute_sql(
            "CREATE FUNCTION licence_group_counted() RETURNS trigger AS $$ BEGIN "
            f"{_counting('pg_backend_pid()')}; RETURN NULL; END $$ LANGUAGE plpgsql"
        )
        db.execute_sql(f"{head} EXECUTE FUNCTION licence_group_counted()")
    else:
        db.execute_sql(f"{head} BEGIN {_counting('0')}; END")


def _counting(part):
    return (
        f"INSERT INTO licence_count (account_id, part, {COLUMNS}) "
        f"VALUES (NEW.account_id, {part}, {', '.join(_changes())}) {ADDED}"
    )


def _changes():
    """Return what each figure changes by."""
    figures = zip(_figures("NEW"), _figures("OLD"), strict=True)
    return [f"({now} - {before})" for now, before in figures]


def _figures(row):
    """Return each figure of a group: 0 unless it is running."""
    running = f"{row}.status IN ('installed', 'suspended')"
    return [
        f"CASE WHEN {running} THEN {' + '.join(f'{row}.{name}' for name in names)} ELSE 0 END"
        for names in FIGURES.values()
    ]


def fill(db):
    """Count the groups of each customer."""
    sums = ", ".join(f"SUM({figure})" for figure in _figures("licence_group"))
    db.execute_sql(
        f"INSERT INTO licence_count (account_id, part, {COLUMNS}) "
        f"SELECT account_id, 0, {sums} FROM licence_group GROUP BY account_id"
    )


def down(migrator, db):
    """Count no more."""
    is_postgresql = isinstance(db, PostgresqlDatabase)
    db.execute_sql(
        f"DROP TRIGGER licence_group_counted{' ON licence_group' if is_postgresql else ''}"
    )
    if is_postgresql:
        db.execute_sql("DROP FUNCTION licence_group_counted()")
    with db.bind_ctx([LicenceCount]):
        db.drop_tables([LicenceCount])
