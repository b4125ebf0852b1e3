"""Turnover, recurring and deferred revenue, and services, added up by month by triggers.

On PostgreSQL each transaction adds to rows of a shard that no other one holds, so that none waits
for another.
"""

from peewee import (
    BigIntegerField,
    CompositeKey,
    DateField,
    IntegerField,
    Model,
    PostgresqlDatabase,
)


class RevenueSum(Model):
    month = DateField()
    days = IntegerField()
    shard = IntegerField()
    turnover_cents = BigIntegerField()
    recurring_cents = BigIntegerField()
    deferred_cent_days = BigIntegerField()

    class Meta:
        legacy_table_names = False
        primary_key = CompositeKey("month", "days", "shard")


class ServiceSum(Model):
    month = DateField()
    shard = IntegerField()
    began = BigIntegerField()
    ended = BigIntegerField()
    ended_later = BigIntegerField()

    class Meta:
        legacy_table_names = False
        primary_key = CompositeKey("month", "shard")


NEW = [RevenueSum, ServiceSum]

ADD_LINES = """
INSERT INTO revenue_sum (month, days, shard, turnover_cents, recurring_cents, deferred_cent_days)
SELECT month, {days}, {shard}, SUM(is_issued * net),
    SUM(CASE WHEN starts < {next} AND {next} <= ends THEN whole ELSE 0 END),
    SUM(CASE WHEN {next} < ends THEN net * {rest} ELSE 0 END)
FROM (
    WITH RECURSIVE spread AS (
        SELECT {issued_in} AS month, 1 AS is_issued,
            CASE i.kind WHEN 'credit_note' THEN -1 ELSE 1 END * l.net_cents AS net,
            CASE i.kind WHEN 'credit_note' THEN -1 ELSE 1 END
                * l.quantity * CAST(l.unit_price_cents AS BIGINT) AS whole,
            l.period_start AS starts, l.period_end AS ends
        FROM {lines} AS l JOIN invoice AS i ON i.id = l.invoice_id
        UNION ALL
        SELECT {next}, 0, net, whole, starts, ends FROM spread WHERE {after_next} <= ends
    )
    SELECT * FROM spread
) AS spread
WHERE true GROUP BY 1, 2
ON CONFLICT (month, days, shard) DO UPDATE SET
    turnover_cents = revenue_sum.turnover_cents + excluded.turnover_cents,
    recurring_cents = revenue_sum.recurring_cents + excluded.recurring_cents,
    deferred_cent_days = revenue_sum.deferred_cent_days + excluded.deferred_cent_days;
"""
"""A line counts in the month of its issue, and in each later one whose last day it reaches."""

ADD_SERVICES = """
INSERT INTO service_sum (month, shard, began, ended, ended_later)
SELECT month, {shard}, SUM(began), SUM(ended), SUM(ended_later)
FROM (
    SELECT {began_in} AS month, weight AS began, 0 AS ended, 0 AS ended_later
    FROM {services} AS s
    UNION ALL
    SELECT {ended_in}, 0, weight, CASE WHEN {began_in} < {ended_in} THEN weight ELSE 0 END
    FROM {services} AS s WHERE s.ended_at IS NOT NULL
) AS counted
WHERE true GROUP BY 1
ON CONFLICT (month, shard) DO UPDATE SET
    began = service_sum.began + excluded.began,
    ended = service_sum.ended + excluded.ended,
    ended_later = service_sum.ended_later + excluded.ended_later;
"""

BEGUN = "SELECT NEW.started_at AS started_at, NEW.ended_at AS ended_at, 1 AS weight"
CHANGED = f"({BEGUN} UNION ALL SELECT OLD.started_at, OLD.ended_at, -1)"

ALL = ("invoice_line", "(SELECT started_at, ended_at, 1 AS weight FROM subscription)")


# --- SQLite ----------------------------------------------------------------------------------


def month_in_paris(moment):
    """Return SQLite's month of a moment in UTC: those from April to October begin in summer
    time."""
    is_summer = f"CAST(strftime('%m', {moment}, '+2 hours') AS INTEGER) BETWEEN 4 AND 10"
    offset = f"CASE WHEN {is_summer} THEN '+2 hours' ELSE '+1 hours' END"
    return f"strftime('%Y-%m-01', {moment}, {offset})"


SQLITE = {
    "days": "CAST(julianday(ends) - julianday(starts) AS INTEGER)",
    "rest": "CAST(julianday(ends) - julianday(max(starts, date(month, '+1 month'))) AS INTEGER)",
    "next": "date(month, '+1 month')",
    "after_next": "date(month, '+2 months')",
    "issued_in": "strftime('%Y-%m-01', i.issued_on)",
    "began_in": month_in_paris("s.started_at"),
    "ended_in": month_in_paris("s.ended_at"),
    "shard": "0",
}

IN_SQLITE = {
    "revenue_of_line": ("AFTER INSERT ON invoice_line", ADD_LINES),
    "service_begun": ("AFTER INSERT ON subscription", ADD_SERVICES),
    "service_changed": ("AFTER UPDATE OF started_at, ended_at ON subscription", ADD_SERVICES),
}


def add_in_sqlite(db):
    """Have each row add itself, and add those that are there."""
    lines = "(SELECT * FROM invoice_line WHERE id = NEW.id)"
    for name, (when, add) in IN_SQLITE.items():
        services = f"({BEGUN})" if name == "service_begun" else CHANGED
        then = add.format(**SQLITE, lines=lines, services=services)
        db.execute_sql(f"CREATE TRIGGER {name} {when} BEGIN {then} END")
    for add in (ADD_LINES, ADD_SERVICES):
        db.execute_sql(add.format(**SQLITE, lines=ALL[0], services=ALL[1]))


# --- PostgreSQL ------------------------------------------------------------------------------


def month_of(moment):
    """Return PostgreSQL's month in Paris of a moment in UTC."""
    in_paris = f"{moment} AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Paris'"
    return f"CAST(date_trunc('month', {in_paris}) AS DATE)"


POSTGRESQL = {
    "days": "ends - starts",
    "rest": "(ends - greatest(starts, CAST(month + interval '1 month' AS DATE)))",
    "next": "CAST(month + interval '1 month' AS DATE)",
    "after_next": "month + interval '2 months'",
    "issued_in": "CAST(date_trunc('month', i.issued_on) AS DATE)",
    "began_in": month_of("s.started_at"),
    "ended_in": month_of("s.ended_at"),
}

FRESH = "REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT"

IN_POSTGRESQL = {
    "revenue_of_line": (f"AFTER INSERT ON invoice_line {FRESH}", ADD_LINES, ""),
    "service_begun": (
        f"AFTER INSERT ON subscription {FRESH}", ADD_SERVICES,
        "(SELECT started_at, ended_at, 1 AS weight FROM fresh)",
    ),
    "service_changed": (
        "AFTER UPDATE OF started_at, ended_at ON subscription FOR EACH ROW WHEN "
        "((OLD.started_at, OLD.ended_at) IS DISTINCT FROM (NEW.started_at, NEW.ended_at))",
        ADD_SERVICES, CHANGED,
    ),
}  # fmt: skip

WITH_A_SHARD = """
CREATE FUNCTION {name}() RETURNS trigger AS $$
DECLARE free integer := 0;
BEGIN
    WHILE NOT pg_try_advisory_xact_lock(128, free) LOOP free := free + 1; END LOOP;
    {add}
    RETURN NULL;
END $$ LANGUAGE plpgsql
"""


def add_in_postgresql(db):
    """Have each statement add its rows, and add those that are there: the triggers keep others
    from writing meanwhile."""
    for name, (when, add, services) in IN_POSTGRESQL.items():
        then = add.format(**POSTGRESQL, shard="free", lines="fresh", services=services)
        db.execute_sql(WITH_A_SHARD.format(name=name, add=then))
        db.execute_sql(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {name}()")
    for add in (ADD_LINES, ADD_SERVICES):
        db.execute_sql(add.format(**POSTGRESQL, shard="0", lines=ALL[0], services=ALL[1]))


# --- Both ------------------------------------------------------------------------------------


def up(migrator, db):
    """Create the sums, and what keeps them."""
    with db.bind_ctx(NEW):
        db.create_tables(NEW)
    if isinstance(db, PostgresqlDatabase):
        add_in_postgresql(db)
    else:
        add_in_sqlite(db)


def down(migrator, db):
    """Take them back."""
    for name, (_, add) in IN_SQLITE.items():
        table = "invoice_line" if add is ADD_LINES else "subscription"
        if isinstance(db, PostgresqlDatabase):
            db.execute_sql(f"DROP TRIGGER {name} ON {table}")
            db.execute_sql(f"DROP FUNCTION {name}()")
        else:
            db.execute_sql(f"DROP TRIGGER {name}")
    with db.bind_ctx(NEW):
        db.drop_tables(NEW)
