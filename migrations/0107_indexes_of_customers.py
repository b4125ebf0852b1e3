"""What a customer has in a state, found without reading all that they have."""

INDEXES = {
    "purchase_order_account_id_status_id": '"purchase_order" ("account_id", "status", "id")',
    "subscription_account_id_status_id": '"subscription" ("account_id", "status", "id")',
    "subscription_account_id_renews_on_id": '"subscription" ("account_id", "renews_on", "id")',
    "subscription_account_id_card_id_renews_on_id":
        '"subscription" ("account_id", "card_id", "renews_on", "id")',
    "licence_group_account_id_status_offer_id_display_name":
        '"licence_group" ("account_id", "status", "offer_id", "display_name")',
    "invoice_account_id_status_id": '"invoice" ("account_id", "status", "id")',
    "letter_failed": "\"letter\" (\"account_id\", \"id\") WHERE status = 'failed'",
    "payment_under_way":
        "\"payment\" (\"status\", \"id\") WHERE status IN ('open', 'processing', 'refund_due')",
}  # fmt: skip


def up(migrator, db):
    """Create the indexes."""
    for name, of in INDEXES.items():
        db.execute_sql(f'CREATE INDEX "{name}" ON {of}')


def down(migrator, db):
    """Drop them."""
    for name in INDEXES:
        db.execute_sql(f'DROP INDEX "{name}"')
