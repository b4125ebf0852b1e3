"""The card of each service, chosen with the order; services until now keep the card they had."""

RUNNING = "status <> 'terminated'"

NEWEST = (
    'SELECT max(c.id) FROM "card" c WHERE c.account_id = "{}".account_id AND c.removed_at IS NULL'
)


def up(migrator, db):
    """Add the columns."""
    db.execute_sql(
        'ALTER TABLE purchase_order ADD COLUMN renewal_card_id INTEGER REFERENCES "card" ("id")'
    )
    db.execute_sql(
        'ALTER TABLE card_setup ADD COLUMN group_id INTEGER REFERENCES "licence_group" ("id")'
    )
    for table in ("subscription", "card"):
        for column in ("told_for", "reminded_for"):
            db.execute_sql(f"ALTER TABLE {table} ADD COLUMN {column} DATE")
    keep_cards(db)


def keep_cards(db):
    """Let every service and paid order keep the card it was charged to, and put that on record."""
    # Until now the newest card of the account was charged unless another one was chosen.
    db.execute_sql(
        f'UPDATE "subscription" SET card_id = ({NEWEST.format("subscription")}) WHERE {RUNNING} '
        'AND NOT EXISTS (SELECT 1 FROM "card" c WHERE c.id = "subscription".card_id '
        "AND c.removed_at IS NULL)"
    )
    db.execute_sql(
        f'UPDATE "purchase_order" SET renewal_card_id = ({NEWEST.format("purchase_order")}) '
        "WHERE status IN ('paid', 'delivering', 'delivery_failed')"
    )
    # The consents of that time: every card that was charged, and the one that will be.
    db.execute_sql(
        "INSERT INTO event (subject, subject_id, name, from_status, to_status, by, note, at) "
        "SELECT 'subscription', s.id, 'card_allowed', '', '', 'shop', CAST(c.id AS VARCHAR(16)), "
        "c.consented_at FROM subscription s JOIN card c ON c.id = s.card_id OR EXISTS ("
        "SELECT 1 FROM payment p JOIN renewal r ON r.invoice_id = p.invoice_id "
        "OR r.supplement_id = p.invoice_id WHERE p.card_id = c.id AND r.group_id = s.group_id)"
    )


def down(migrator, db):
    """Take the columns back; the consents stay on record."""
    for table, column in (
        ("purchase_order", "renewal_card_id"),
        ("card_setup", "group_id"),
        ("subscription", "told_for"),
        ("subscription", "reminded_for"),
        ("card", "told_for"),
        ("card", "reminded_for"),
    ):
        db.execute_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
