"""Parts of orders: the day of each delivery, and what was paid and is not charged."""

from peewee import PostgresqlDatabase

EVENTS = (
    "FROM event e WHERE e.subject = 'order' AND e.subject_id = o.id "
    "AND e.to_status = 'delivery_failed'"
)

FAILED = (
    f"SELECT o.id, coalesce((SELECT max(e.at) {EVENTS}), o.paid_at, o.placed_at) AS at, "
    f"(SELECT count(*) {EVENTS}) AS times "
    "FROM purchase_order o WHERE o.status = 'delivery_failed' AND o.total_cents > 0"
)
"""The failed deliveries, when they failed last, and how often they did."""


def up(migrator, db):
    """Create the columns; queue the refund of what failed before, due as it would be now."""
    integer = "BIGINT" if isinstance(db, PostgresqlDatabase) else "INTEGER"
    db.execute_sql(
        f"ALTER TABLE payment ADD COLUMN uncharged_cents {integer} NOT NULL DEFAULT 0 "
        "CHECK (uncharged_cents >= 0)"
    )
    db.execute_sql("ALTER TABLE addition ADD COLUMN delivered_on DATE")
    db.execute_sql(
        "INSERT INTO job (kind, key, payload, status, priority, attempts, run_at, error, "
        "created_at) SELECT 'refund_undelivered', "
        "'refund_undelivered:' || f.id || ':' || f.times, '{\"order\":' || f.id || '}', "
        f"'queued', 0, 0, f.at, '', f.at FROM ({FAILED}) AS f"
    )
