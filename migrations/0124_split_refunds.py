"""Refunds of a credit note: one of each payment that paid its invoice, and another one later."""

WIDENS = ("refund",)


def up(migrator, db):
    """Exchange the rule of one refund for one that is awaited of each payment."""
    db.execute_sql('DROP INDEX "refund_one_of_credit_note"')
    db.execute_sql(
        'CREATE UNIQUE INDEX "refund_one_awaited_of_credit_note" '
        'ON "refund" ("credit_note_id", "payment_id") '
        "WHERE credit_note_id IS NOT NULL AND status IN ('asked', 'pending')"
    )


def down(migrator, db):
    """Take it back."""
    db.execute_sql('DROP INDEX "refund_one_awaited_of_credit_note"')
    db.execute_sql(
        'CREATE UNIQUE INDEX "refund_one_of_credit_note" ON "refund" ("credit_note_id") '
        "WHERE credit_note_id IS NOT NULL AND status <> 'failed'"
    )
