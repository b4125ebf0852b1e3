"""Withdrawals from orders: when, and which licences of a group end with one."""

from peewee import SqliteDatabase

WITHDRAWN = (
    "FROM termination t JOIN licence_group g ON g.id = t.group_id "
    "JOIN order_line l ON l.id = g.line_id "
    "WHERE l.order_id = purchase_order.id AND t.cause = 'withdrawal'"
)

KEPT = (
    "SELECT 1 FROM order_line l LEFT JOIN licence_group g ON g.line_id = l.id "
    "LEFT JOIN termination t ON t.group_id = g.id AND t.cause = 'withdrawal' "
    "WHERE l.order_id = purchase_order.id AND t.id IS NULL "
    "AND coalesce(g.status, '') <> 'cancelled'"
)
"""The lines of an order that its consumer did not withdraw from."""


def up(migrator, db):
    """Add the columns, and fill them in where a consumer had withdrawn from the whole order."""
    moment = "DATETIME" if isinstance(db, SqliteDatabase) else "TIMESTAMP"
    db.execute_sql(f"ALTER TABLE purchase_order ADD COLUMN withdrawn_at {moment}")
    db.execute_sql(
        'ALTER TABLE give_back ADD COLUMN order_id INTEGER REFERENCES "purchase_order" ("id")'
    )
    db.execute_sql(
        f"UPDATE purchase_order SET withdrawn_at = (SELECT max(t.asked_at) {WITHDRAWN}) "
        f"WHERE EXISTS (SELECT 1 {WITHDRAWN}) AND NOT EXISTS ({KEPT})"
    )
    db.execute_sql(
        'CREATE INDEX "purchase_order_withdrawn" ON "purchase_order" ("withdrawn_at", "account_id") '
        "WHERE withdrawn_at IS NOT NULL"
    )
