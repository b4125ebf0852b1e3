"""Which card payments are in a payout; an index of those that the bank holds."""

from peewee import SqliteDatabase

HELD = (
    "settled_at IS NOT NULL AND NOT is_paid_out AND method = 'card' "
    "AND status IN ('succeeded', 'refund_due', 'refunded', 'lost')"
)
IN_A_PAYOUT = (
    "SELECT payment_id FROM payout_line "
    "WHERE payment_id IS NOT NULL AND kind = 'charge' AND gross_cents > 0"
)


def up(migrator, db):
    """Add the column and the indexes; payments in payouts that were read are known."""
    is_sqlite = isinstance(db, SqliteDatabase)
    kind, no, yes = ("INTEGER", "0", "1") if is_sqlite else ("BOOLEAN", "FALSE", "TRUE")
    db.execute_sql(f"ALTER TABLE payment ADD COLUMN is_paid_out {kind} NOT NULL DEFAULT {no}")
    db.execute_sql(f"UPDATE payment SET is_paid_out = {yes} WHERE id IN ({IN_A_PAYOUT})")
    db.execute_sql(
        f'CREATE INDEX "payment_held" ON "payment" ("settled_at", "id") WHERE {HELD}'
    )
    db.execute_sql(
        'CREATE INDEX "payout_by_hand" ON "payout" ("announced_at") WHERE NOT is_automatic'
    )


def down(migrator, db):
    """Take them back."""
    db.execute_sql('DROP INDEX "payout_by_hand"')
    db.execute_sql('DROP INDEX "payment_held"')
    db.execute_sql("ALTER TABLE payment DROP COLUMN is_paid_out")
